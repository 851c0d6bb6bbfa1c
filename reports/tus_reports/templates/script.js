"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const items = [...document.querySelectorAll(".item")];
  const groups = [...document.querySelectorAll(".chapter, .part")];
  for (const item of items) item.words = item.querySelector(".head, summary, div").textContent.toLowerCase();

  // The state lives after "#?", since that is all a page opened from a file may change of its URL.
  const read = () => new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
  const wanted = () => {
    const data = new FormData(form);
    const state = new URLSearchParams();
    for (const verdict of data.getAll("verdict")) state.append("verdict", verdict);
    for (const name of ["q", "extension"]) if (data.get(name)) state.set(name, data.get(name));
    return state;
  };
  const restore = () => {
    const state = read();
    for (const box of form.querySelectorAll("[name=verdict]")) box.checked = state.getAll("verdict").includes(box.value);
    form.elements.q.value = state.get("q") || "";
    form.elements.extension.value = state.get("extension") || "";
    apply(state);
  };
  const apply = (state) => {
    const verdicts = state.getAll("verdict");
    const words = (state.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const extension = state.get("extension") || "";
    let shown = 0;
    for (const item of items) {
      const matches = (!verdicts.length || verdicts.includes(item.dataset.verdict))
        && (!extension || item.dataset.extension === extension)
        && words.every((word) => item.words.includes(word));
      item.hidden = !matches;
      shown += matches;
    }
    for (const group of groups) group.hidden = !group.querySelector(".item:not([hidden])");
    const filtered = verdicts.length || words.length || extension;
    form.querySelector("output").textContent = filtered ? `${shown} of ${items.length} shown` : "";
  };
  const changed = () => {
    const state = wanted();
    const text = state.toString();
    history.replaceState(null, "", text ? "#?" + text : "#");
    apply(state);
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));

  // A link to something that is filtered out, or folded away, shows it.
  const reveal = () => {
    if (location.hash.startsWith("#?")) return restore();
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    for (let node = target; node; node = node.parentElement) {
      node.hidden = false;
      if (node.tagName === "DETAILS") node.open = true;
    }
    target.scrollIntoView();
    (target.querySelector("summary") || target).focus({preventScroll: true});
  };
  addEventListener("hashchange", reveal);

  const copy = async (button, text) => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  };
  const button = (label, text) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => copy(made, text()));
    return made;
  };
  for (const block of document.querySelectorAll(".copy")) {
    block.append(button("Copy", () => block.querySelector("code").textContent));
  }
  for (const template of document.querySelectorAll("template.issue")) {
    template.after(button("Copy as issue", () => template.content.textContent));
  }
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      form.elements.q.focus();
    }
  });
  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll(".card details")) each.open = true; });
  form.hidden = false;
  restore();
  if (location.hash && !location.hash.startsWith("#?")) reveal();
})();
