// Says so where the page's own program cannot even start: a browser too old, or a file that did not come. Once it runs, the
// page speaks for itself.
addEventListener("error", failed, true);
addEventListener("unhandledrejection", failed);

function failed(event) {
  const body = document.body;
  if (!body || body.dataset.state !== "loading" || body.dataset.started) return;
  body.dataset.state = "error";
  const sentence = document.createElement("p");
  sentence.className = "error";
  sentence.setAttribute("role", "alert");
  const reason = event.reason?.message ?? event.message ?? "a file could not be loaded";
  sentence.textContent = `The page could not start (${reason}). Reload it, or try a current Chrome, Edge, Firefox or Safari.`;
  document.getElementById("notice").append(sentence);
  document.getElementById("status").textContent = "Stopped.";
}

// Without a network the page works too, where the browser keeps files.
addEventListener("load", () => {
  try {
    navigator.serviceWorker?.register("offline.js").catch(() => {});
  } catch {
    // A browser that forbids even to ask.
  }
});
