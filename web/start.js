// Starts the page's program. A file, because the page's policy allows no script within it. Its first words are in the
// visitor's language already.
import "./language.js";
import init from "./page.js";

await init();
