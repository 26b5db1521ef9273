// Says so where the page's own program cannot even start: opened from the disk, a browser too old, or a file that did not
// come. Once it runs, the page speaks for itself. In words that browsers of ten years ago read: what one cannot read, it cannot
// say.
addEventListener("error", failed, true);
addEventListener("unhandledrejection", failed);

// Browsers load no programs from the disk, from an archive or from another program's preview.
const served = /^https?:$/.test(location.protocol);
if (!served) addEventListener("DOMContentLoaded", failed);

function failed(event) {
  const reason = (event.reason && event.reason.message) || event.message || "a file could not be loaded";
  stop(
    served
      ? `The page could not start (${reason}). Reload it, or try a current Chrome, Edge, Firefox or Safari.`
      : "The page must come from a web server; here it was opened as a file. “cargo xtask demo” serves it on this " +
        "machine, and any web host can.",
  );
}

function stop(text) {
  const body = document.body;
  if (!body || body.dataset.state !== "loading" || body.dataset.started) return;
  body.dataset.state = "error";
  const sentence = document.createElement("p");
  sentence.className = "error";
  sentence.setAttribute("role", "alert");
  sentence.textContent = text;
  document.getElementById("notice").append(sentence);
  document.getElementById("status").textContent = "Stopped.";
}

// A link that was copied out of the text of a web page has `&amp;` for `&`. Nobody who reads the address later has to know.
if (served && location.search.includes("&amp;")) {
  try {
    history.replaceState(null, "", location.search.replace(/&amp;/g, "&") + location.hash);
  } catch (_) {
    // A frame that may not change its address.
  }
}

// Without a network the page works too, where the browser keeps files. Not where another site shows the page in a frame.
addEventListener("load", async () => {
  if (new URLSearchParams(location.search).get("embed") === "1") return;
  try {
    await navigator.serviceWorker.register("offline.js");
    const build = document.querySelector("meta[name=build]").content;
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ build });
  } catch (_) {
    // A browser that forbids even to ask, or no secure address.
  }
});
