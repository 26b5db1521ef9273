// Draws the sets that are of one style of DiceBear.
import { createAvatar } from "@dicebear/core";
import { Writer } from "./pictures.mjs";

const BACKGROUNDS = ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf"];

/** So many pictures of each set, each of its own seed and of this side, into the folder that the program is given. */
export function drawAll(style, { side, ...sets }) {
  const total = Object.values(sets).reduce((sum, count) => sum + count);
  const writer = new Writer(process.argv[2], side, total);
  for (const [set, count] of Object.entries(sets)) {
    for (let number = 0; number < count; number++) {
      const avatar = createAvatar(style, { seed: `${set} ${number}`, size: side, backgroundColor: BACKGROUNDS });
      writer.add(set, avatar.toString());
    }
  }
  writer.close();
}
