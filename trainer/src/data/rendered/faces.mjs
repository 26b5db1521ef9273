// Pixel-art faces, a different seed for each. Argument: the folder for train.rgb and held-out.rgb (rows of RGB bytes, one
// picture after the other).
import { createAvatar } from "@dicebear/core";
import * as pixelArt from "@dicebear/pixel-art";
import { Writer } from "./pictures.mjs";

const SIDE = 16;
const BACKGROUNDS = ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf"];
const SETS = { train: 60000, "held-out": 6000 };

const total = Object.values(SETS).reduce((sum, count) => sum + count);
const writer = new Writer(process.argv[2], SIDE, total);
for (const [set, count] of Object.entries(SETS)) {
  for (let number = 0; number < count; number++) {
    const face = createAvatar(pixelArt, { seed: `${set} ${number}`, size: SIDE, backgroundColor: BACKGROUNDS });
    writer.add(set, face.toString());
  }
}
writer.close();
