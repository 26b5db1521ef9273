// Pixel-art faces, a different seed for each. Argument: the folder for train.rgb and held-out.rgb (rows of RGB bytes, one
// picture after the other).
import * as pixelArt from "@dicebear/pixel-art";
import { drawAll } from "./dicebear.mjs";

drawAll(pixelArt, { side: 16, train: 60000, "held-out": 6000 });
