// Starts the page's program. A file, because the page's policy allows no script within it.
import init from "./page.js";

await init();
