// Hand-drawn people from the shoulders up, a different seed for each. Argument: the folder for train.rgb and held-out.rgb
// (rows of RGB bytes, one picture after the other).
import * as openPeeps from "@dicebear/open-peeps";
import { drawAll } from "./dicebear.mjs";

drawAll(openPeeps, { side: 64, train: 50000, "held-out": 5000 });
