// Starts the engine's program once more, as a helper: from the module that the engine has compiled and sends here.
import init from "./engine.js";

const compiled = new Promise((resolve) => { onmessage = ({ data }) => resolve(data); });
await init({ module_or_path: await compiled });
