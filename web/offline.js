// The site's own files, for when there is no network. With one, the newest version is always asked for, so that a page and an
// engine of two versions never meet. Models are kept by the engine itself.
const NAME = "site";
const FILES = [
  "./", "style.css", "boot.js", "start.js", "page.js", "page_bg.wasm", "engine_loader.js", "engine.js", "engine_bg.wasm",
  "helper.js", "models/index.json",
];

addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

const here = new URL("./", location);
const kept = new Set(FILES.map((file) => new URL(file, here).href));

addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  // The settings in the address make no other page.
  address.search = address.hash = "";
  if (event.request.method === "GET" && kept.has(address.href)) {
    event.respondWith(answer(event.request, address.href));
  }
});

async function answer(request, address) {
  const cache = await caches.open(NAME);
  try {
    const response = await fetch(request.mode === "navigate" ? address : request, { cache: "no-cache" });
    if (response.ok) await cache.put(address, response.clone());
    return response;
  } catch (problem) {
    const found = await cache.match(address);
    if (found) return found;
    throw problem;
  }
}
