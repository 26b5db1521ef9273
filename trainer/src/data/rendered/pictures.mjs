// Renders SVG into files of raw RGB bytes.
import { closeSync, openSync, writeSync } from "node:fs";
import { Resvg } from "@resvg/resvg-js";

export class Writer {
  #files = {};
  #done = 0;

  constructor(folder, side, total) {
    Object.assign(this, { folder, side, total });
  }

  /** Adds an opaque picture to a set. */
  add(set, svg) {
    const { width, height, pixels } = new Resvg(svg, { font: { loadSystemFonts: false } }).render();
    if (width !== this.side || height !== this.side) throw new Error(`a picture of ${width}x${height}: ${svg}`);
    this.#files[set] ??= openSync(`${this.folder}/${set}.rgb`, "w");
    writeSync(this.#files[set], pixels.filter((_, index) => index % 4 < 3));
    this.#done++;
    if (this.#done % 500 === 0 || this.#done === this.total) console.log(`${this.#done} ${this.total}`);
  }

  close() {
    Object.values(this.#files).forEach(closeSync);
  }
}
