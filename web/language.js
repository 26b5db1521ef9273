// The language of the page, before its program comes: the one that the address asks for, that was chosen earlier, or that the
// browser is set to. English is in the page and in its programs; another language is a file of `texts`.
// Milliseconds.
const PATIENCE = 10_000;
const choice = document.getElementById("language");
const there = [...choice.options].map(({ value }) => value);
const first = (codes) => codes.map((code) => code.split("-")[0].toLowerCase()).find((code) => there.includes(code));

choice.addEventListener("change", () => {
  const chosen = choice.value;
  try {
    // The next page keeps it: the browser may ask the visitor, who stays here.
    sessionStorage.setItem("language", chosen);
  } catch {
    // The address says it too.
  }
  // The same link once more, so that nothing on the page has to be said anew.
  const rest = location.search.slice(1).split("&").filter((part) => part && !part.startsWith("lang="));
  history.replaceState(history.state, "", `?${[...rest, `lang=${chosen}`].join("&")}`);
  location.reload();
  choice.value = document.documentElement.lang;
});

function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  let kept = "";
  try {
    // What a link asks for is nobody's choice for later.
    if (asked && sessionStorage.getItem("language") === asked) localStorage.setItem("language", asked);
    sessionStorage.removeItem("language");
    kept = localStorage.getItem("language") ?? "";
  } catch {
    // A browser that keeps nothing.
  }
  if (there.includes(asked)) return asked;
  return first([kept, ...navigator.languages]) ?? "en";
}

async function speak(code) {
  choice.closest("label").hidden = false;
  choice.value = "en";
  if (code === "en") return;
  try {
    // English is there at once: nobody waits for ever for another language.
    const response = await fetch(`texts/${code}.json`, { signal: AbortSignal.timeout?.(PATIENCE) });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const file = await response.text();
    translate(code, JSON.parse(file).texts);
    // For the program.
    globalThis.spoken = file;
    choice.value = code;
  } catch ({ message }) {
    Object.assign(choice.dataset, { missing: choice.querySelector(`[value=${code}]`).text, reason: message });
  }
}

function translate(code, texts) {
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-text]")) {
    const text = texts[element.dataset.text];
    if (text) rewrite(element, text);
  }
  for (const field of document.querySelectorAll("[inputmode=decimal]")) {
    field.value = field.value.replace(".", texts.decimal_point ?? ".");
  }
  for (const [mark, attribute] of Object.entries({ label: "aria-label", hint: "title" })) {
    for (const element of document.querySelectorAll(`[data-${mark}]`)) {
      const text = texts[element.dataset[mark]];
      if (text) element.setAttribute(attribute, text);
    }
  }
}

// A text takes the elements along that it has numbers for.
function rewrite(element, text) {
  const children = [...element.children];
  const parts = text.split(/\{(\d+)\}/);
  element.replaceChildren(...parts.map((part, index) => (index % 2 ? (children[part - 1] ?? "") : part)));
}

await speak(wanted());
