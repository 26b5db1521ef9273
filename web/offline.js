// Keeps the site's own files for when there is no network: whole versions of the site, never parts of two. `build.json`,
// written when the site is built, has the name of a version and the SHA-256 of each of its files. A tab gets all files of
// the version that it began with, from here or, where they are those files, from the network. Each visit asks for the
// newest version first. Models are kept by the engine itself, their recorded runs by the page.
const HERE = new URL("./", location).href;
const LIST = "build.json";
// Of which version each tab and each worker is, for when the browser has ended this program meanwhile.
const TABS = `tabs ${HERE}`;
const PREFIX = `site ${HERE} `;
// Milliseconds that a visitor with a kept version waits for a newer one.
const PATIENCE = 4000;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

// A tab that was there before this program says which version it is of.
addEventListener("message", (event) => event.waitUntil(adopt(event.source.id, event.data.build)));

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  // The settings in the address make no other page.
  address.search = address.hash = "";
  if (request.method !== "GET" || !address.href.startsWith(HERE)) return;
  const file = address.href.slice(HERE.length) || "index.html";
  if (file === "index.html") {
    if (request.mode === "navigate") event.respondWith(visit(event));
  } else if (file === "models/index.json" || !file.startsWith("models/")) {
    if (file !== LIST && file !== "offline.js") event.respondWith(part(event, file));
  } else {
    event.respondWith(model(request));
  }
});

async function install() {
  await skipWaiting();
  const newest = await ask().catch(() => null);
  if (newest) await bring(newest);
}

// The page, of the newest version that can be had as a whole.
async function visit(event) {
  const kept = await latest();
  let newest = await ask().catch(() => undefined);
  if (newest === null) {
    // A site without versions: the server's word counts.
    const response = await fetch(event.request).catch(() => null);
    if (response && (response.ok || response.type === "opaqueredirect")) return response;
    newest = undefined;
  }
  const versions = kept ? [kept] : [];
  if (newest && newest.build !== kept?.build) {
    const brought = bring(newest);
    event.waitUntil(brought);
    if (!kept || (await soon(brought))) versions.unshift(newest);
  }
  for (const version of versions) {
    const page = await take(version, "index.html").catch(() => null);
    if (!page) continue;
    await remember(event.resultingClientId, version);
    event.waitUntil(tidy(version));
    return page;
  }
  return fetch(event.request);
}

// A file of a tab, of the tab's version.
async function part(event, file) {
  const version = await versionOf(event.clientId);
  if (!version || !Object.hasOwn(version.files, file)) return fetch(event.request);
  // A worker is of the version of the tab that starts it.
  if (event.resultingClientId) await remember(event.resultingClientId, version);
  const answer = await take(version, file).catch(async (problem) => {
    // A file that was changed on the host keeps its version from ever being whole: then the server's word counts.
    if (await list(version.build)) throw problem;
    return fetch(event.request);
  });
  event.waitUntil(Promise.all(stores));
  return answer;
}

// A file of a model. The engine and the page keep some and take them where nobody answers: a server that fails or hangs is
// one that does not answer.
async function model(request) {
  const kept = await caches.match(request.url, { cacheName: "models" }).catch(() => null);
  if (!kept) return fetch(request);
  // Whoever answers has time for the rest.
  const waiting = new AbortController();
  const patience = setTimeout(() => waiting.abort(), PATIENCE);
  const answer = await fetch(request, { signal: waiting.signal }).catch(() => null);
  clearTimeout(patience);
  return answer && answer.status < 500 ? answer : Response.error();
}

// The newest version that the server has; null where it has none, an exception where nobody answers.
async function ask() {
  // Anew: a host that tells files apart by the second that they were written in may call an old list the newest.
  const response = await fetch(LIST, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  try {
    return check(await response.json());
  } catch (problem) {
    // On one's own machine another project may have come to this address, whose server has a page for every question.
    if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) return null;
    throw problem;
  }
}

function check(version) {
  if (typeof version?.build !== "string" || typeof version.files !== "object" || version.files === null) throw new Error("no list of a version");
  return version;
}

// Brings all files of a version; says whether they could be had, kept or not.
async function bring(version) {
  coming.add(version.build);
  const files = Object.keys(version.files);
  const brought = await Promise.allSettled(files.map((file) => take(version, file)));
  await Promise.all(stores);
  coming.delete(version.build);
  if (brought.some(({ status }) => status === "rejected")) return false;
  try {
    const cache = await caches.open(PREFIX + version.build);
    const names = new Set((await cache.keys()).map(({ url }) => url));
    // The list comes last: with it the version is whole.
    if (files.every((file) => names.has(HERE + file))) {
      await cache.put(LIST, new Response(JSON.stringify({ ...version, kept: Date.now() })));
    }
  } catch {
    // No room: the network has it.
  }
  return true;
}

// Versions that are being brought, files that come, and files that are being kept.
const coming = new Set();
const comes = new Map();
const stores = new Set();

// A file of a version, from here or from the network. An exception where neither has it.
async function take(version, file) {
  const name = PREFIX + version.build;
  const key = `${name} ${file}`;
  if (!comes.has(key)) comes.set(key, find(name, version, file).finally(() => comes.delete(key)));
  return (await comes.get(key)).clone();
}

async function find(name, version, file) {
  const cache = await caches.open(name).catch(() => null);
  const found = await cache?.match(file);
  if (found) return found;
  const { response, bytes } = await bytesOf(version, file);
  // Anew, because a page may not be the end of a redirection, and the bytes are unpacked.
  const headers = new Headers(response.headers);
  for (const header of ["Content-Encoding", "Content-Length"]) headers.delete(header);
  if (file.endsWith(".js") && !headers.has(POLICY)) await guard(headers, version);
  const answer = new Response(bytes, { headers });
  // Nobody waits for that; where there is no room, the file comes from the network the next time as well.
  const stored = cache?.put(file, answer.clone()).catch(() => {}).finally(() => stores.delete(stored));
  if (stored) stores.add(stored);
  return answer;
}

// What the server has of a file, if it is that of a version. A host that tells files apart by the second that they were
// written in may call an old one the newest: then once more, without the browser's cache.
async function bytesOf(version, file) {
  for (const cache of ["no-cache", "reload"]) {
    const response = await fetch(file, { cache });
    if (!response.ok) throw new Error(`${file}: the server answers ${response.status}`);
    const bytes = await response.arrayBuffer();
    if ((await sha256(bytes)) === version.files[file]) return { response, bytes };
  }
  throw new Error(`${file} is of another version`);
}

const POLICY = "Content-Security-Policy";

// A worker takes its policy from the answer that it came with, not from the page: it gets the page's here.
async function guard(headers, version) {
  const page = await (await take(version, "index.html")).text();
  const policy = page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)?.[1];
  if (policy) headers.set(POLICY, policy);
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The whole version that was kept last.
async function latest() {
  let newest = null;
  for (const name of await names()) {
    const version = await (await list(name.slice(PREFIX.length)))?.json();
    if (version && version.kept > (newest?.kept ?? 0)) newest = version;
  }
  return newest;
}

// The list of a version that is kept as a whole.
function list(build) {
  return caches.match(LIST, { cacheName: PREFIX + build }).catch(() => null);
}

async function names() {
  const all = await caches.keys().catch(() => []);
  return all.filter((name) => name.startsWith(PREFIX));
}

const tabs = new Map();

async function remember(client, version) {
  if (!client) return;
  tabs.set(client, version);
  await caches.open(TABS).then((cache) => cache.put(client, new Response(JSON.stringify(version)))).catch(() => {});
}

async function versionOf(client) {
  if (!tabs.has(client)) {
    const kept = await caches.open(TABS).then((cache) => cache.match(client)).catch(() => null);
    tabs.set(client, kept ? check(await kept.json()) : null);
  }
  return tabs.get(client);
}

async function adopt(client, build) {
  if (await versionOf(client)) return;
  const kept = await list(build);
  if (kept) await remember(client, check(await kept.json()));
}

// Forgets the versions that no tab is of, but for the newest, and the tabs that have gone.
async function tidy(current) {
  const open = await clients.matchAll({ type: "all", includeUncontrolled: true });
  const used = new Set([current.build, (await latest())?.build, ...coming]);
  for (const { id } of open) used.add((await versionOf(id))?.build);
  for (const name of await names()) if (!used.has(name.slice(PREFIX.length))) await caches.delete(name);
  const ids = new Set(open.map(({ id }) => id));
  const cache = await caches.open(TABS);
  for (const request of await cache.keys()) {
    const id = request.url.slice(HERE.length);
    if (!ids.has(id) && tabs.get(id)?.build !== current.build) await cache.delete(request);
  }
}

// What a promise comes to, or false where it takes too long.
function soon(promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE, false))]);
}
