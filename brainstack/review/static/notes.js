// The button that notes a problem, on any page that includes templates/_note.html.
"use strict";
const notes = (() => {
  const find = id => document.getElementById(id);
  const here = `/${review.animal}/problems`;
  let section = "";

  // What a note is about from now on. key : "" for the whole animal. words : for people.
  function about(key, words) {
    section = key;
    if (find("note-about")) find("note-about").textContent = words || review.animal;
    if (find("note-link")) find("note-link").href = key ? `${here}#${key}` : here;
    count();
  }

  async function count() {
    const of = section;
    try {
      const {open} = await review.ask("GET", `${here}/open.json?section=${encodeURIComponent(of)}`);
      if (of === section) find("note-count").textContent = open ? ` (${open} open here)` : "";
    } catch { /* the link is enough */ }
  }

  function open() {
    if (!find("note-dialog")) return;
    find("note-entry").value = "";
    find("note-dialog").showModal();
    find("note-entry").focus();
  }

  async function save() {
    const entry = find("note-entry").value;
    try {
      await review.change("POST", here, {entry, section});
      count();
    } catch (failed) {
      find("note-dialog").showModal();  // with what was written
      find("note-entry").value = entry;
    }
  }

  find("note-open")?.addEventListener("click", open);
  find("note-form")?.addEventListener("submit", event => { if (event.submitter?.value === "save") save(); });
  find("note-entry")?.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("note-form").requestSubmit(find("note-save"));
  });

  return {about, open};
})();
