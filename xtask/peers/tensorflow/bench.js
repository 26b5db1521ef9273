// Times TensorFlow.js on the energy gradient of the networks of `trainer bench`, by its own differentiation. The address says
// what: ?backend=wasm&preset=unet&width=16&batch=16. The answer is JSON in document.body.dataset.result. `cargo xtask bench`
// opens it.

const asked = new URLSearchParams(location.search);
const [width, batch] = [Number(asked.get('width')), Number(asked.get('batch'))];
const SIDE = 32;
const SIGMA_0 = 0.1;

let parameters = 0;

function weights(shape, fanIn) {
  parameters += shape.reduce((a, b) => a * b);
  const bound = 1 / Math.sqrt(fanIn);
  return tf.randomUniform(shape, -bound, bound);
}

function conv(channelsIn, channelsOut, kernel, bias = true) {
  const fanIn = channelsIn * kernel * kernel;
  const w = weights([kernel, kernel, channelsIn, channelsOut], fanIn);
  const b = bias ? weights([channelsOut], fanIn) : null;
  return (x) => {
    const y = tf.conv2d(x, w, 1, 'same');
    return b ? tf.add(y, b) : y;
  };
}

const silu = (x) => tf.mul(x, tf.sigmoid(x));
const halved = (x) => tf.avgPool(x, 2, 2, 'valid');
const doubled = (x) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);

function block(channelsIn, channelsBetween, channelsOut, activation, firstBias, halve) {
  const conv1 = conv(channelsIn, channelsBetween, 3, firstBias);
  const conv2 = conv(channelsBetween, channelsOut, 3);
  const shortcut = conv(channelsIn, channelsOut, 1);
  return (v) => {
    const main = conv2(activation(conv1(activation(v))));
    return halve ? tf.add(halved(main), shortcut(halved(v))) : tf.add(main, shortcut(v));
  };
}

function unet(w) {
  const same = (channelsIn, channelsOut) => block(channelsIn, channelsOut, channelsOut, silu, true, false);
  const stem = conv(1, w, 3);
  const down = [same(w, w), same(w, 2 * w), same(2 * w, 4 * w)];
  const middle = same(4 * w, 4 * w);
  const up = [same(6 * w, 2 * w), same(3 * w, w)];
  const out = conv(w, 1, 3);
  return (x) => {
    const a = down[0](stem(x));
    const b = down[1](halved(a));
    const c = middle(down[2](halved(b)));
    const d = up[0](tf.concat([b, doubled(c)], 3));
    const e = up[1](tf.concat([a, doubled(d)], 3));
    return tf.div(tf.sum(tf.square(tf.sub(x, out(silu(e))))), 2 * SIGMA_0 ** 2);
  };
}

function res12(w) {
  const stem = conv(1, w, 3);
  const blocks = [];
  for (let stage = 0; stage < 3; stage++) {
    blocks.push(block(w, w, 2 * w, tf.elu, false, true), block(2 * w, 2 * w, 2 * w, tf.elu, false, false));
    w *= 2;
  }
  const features = w * (SIDE / 8) ** 2;
  const functional = () => {
    const [a, b] = [weights([features, 1], features), weights([1], features)];
    return (h) => tf.add(tf.matMul(h, a), b);
  };
  const [linear1, linear2, square] = [functional(), functional(), functional()];
  return (x) => {
    const h = tf.reshape(blocks.reduce((h, block) => block(h), stem(x)), [batch, features]);
    return tf.sum(tf.add(tf.mul(linear1(h), linear2(h)), square(tf.square(h))));
  };
}

/// Median milliseconds of `work`, which waits for its own result.
async function median(work, warmUp, repetitions) {
  const times = [];
  for (let repetition = 0; repetition < warmUp + repetitions; repetition++) {
    const begun = performance.now();
    await work();
    if (repetition >= warmUp) times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

async function bench() {
  if (asked.get('backend') === 'wasm') {
    tf.wasm.setWasmPaths('node_modules/@tensorflow/tfjs-backend-wasm/dist/');
    tf.wasm.setThreadsCount(1);
    if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new Error('no SIMD');
  }
  if (!(await tf.setBackend(asked.get('backend')))) throw new Error('the backend does not start');
  const energy = { unet, res12 }[asked.get('preset')](width);
  const gradient = tf.grad(energy);
  const x = tf.randomUniform([batch, SIDE, SIDE, 1]);
  const milliseconds = await median(
    async () => {
      const g = tf.tidy(() => gradient(x));
      await g.data();
      g.dispose();
    },
    2,
    7,
  );
  return { version: tf.version_core, parameters, images_per_second: (1000 * batch) / milliseconds };
}

try {
  document.body.dataset.result = JSON.stringify(await bench());
  document.body.dataset.state = 'done';
} catch (error) {
  document.body.dataset.result = String(error);
  document.body.dataset.state = 'error';
}
