// Emoji of two sets on white, each also mirrored, turned, shrunk and shifted a little. Argument: the folder for train.rgb
// and held-out.rgb (rows of RGB bytes, one picture after the other).
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { Writer } from "./pictures.mjs";

const SIDE = 32;
const VARIANTS = 16;
/** One name in so many is held out, with all its variants, in both sets. */
const HOLD_OUT = 20;
/** resvg 2.6.2 cannot render these. */
const UNUSABLE = ["package", "rainbow-flag"];

const require = createRequire(import.meta.url);
const emoji = ["fluent-emoji-flat", "noto"].flatMap((set) => {
  const { icons, width } = require(`@iconify-json/${set}/icons.json`);
  const usable = Object.entries(icons).filter(([name]) => !UNUSABLE.includes(name));
  return oneTone(usable.map(([name, { body }]) => ({ set, name, body, size: width })));
});

const writer = new Writer(process.argv[2], SIDE, emoji.length * VARIANTS);
// Variants outside, so that any part of the file has every emoji.
for (let variant = 0; variant < VARIANTS; variant++) {
  for (const { set, name, body, size } of emoji) {
    const heldOut = random(subject(name), 0) < 1 / HOLD_OUT;
    const transform = variant === 0 ? "" : moved(`${set} ${name}`, variant, size);
    writer.add(heldOut ? "held-out" : "train", `<svg xmlns="http://www.w3.org/2000/svg"
      xmlns:xlink="http://www.w3.org/1999/xlink" width="${SIDE}" height="${SIDE}" viewBox="0 0 ${size} ${size}"><rect width="100%" height="100%" fill="#fff"/><g transform="${transform}">${body}</g></svg>`);
  }
}
writer.close();

function moved(name, variant, size) {
  const between = (low, high, draw) => low + (high - low) * random(name, 4 * variant + draw);
  const scale = between(0.8, 1, 0);
  const mirror = variant % 2 ? -1 : 1;
  const shift = [1, 2].map((draw) => between(-0.04, 0.04, draw) * size);
  const middle = size / 2;
  return `translate(${shift}) translate(${middle} ${middle}) rotate(${between(-8, 8, 3)}) scale(${mirror * scale} ${scale})
    translate(${-middle} ${-middle})`;
}

/** People come in six tones of skin: of each, one by chance, or they would be most of the set. */
function oneTone(emoji) {
  const tones = new Map();
  for (const one of emoji) tones.set(subject(one.name), [...(tones.get(subject(one.name)) ?? []), one]);
  return [...tones.values()].map((group) => group[Math.floor(random(group[0].name, -1) * group.length)]);
}

/** The name without the tone of skin. */
function subject(name) {
  return name.replace(/-(medium-light|medium-dark|light|medium|dark)(-skin-tone)?(?=-|$)/g, "");
}

/** From 0 to 1, a function of its arguments. */
function random(name, draw) {
  return createHash("sha256").update(`${name} ${draw}`).digest().readUInt32LE() / 2 ** 32;
}
