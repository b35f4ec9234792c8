// The page of problems: a note is added, closed with what was done, opened again.
"use strict";
(() => {
  const find = id => document.getElementById(id);
  const here = `/${review.animal}/problems`;
  let mark = null;

  const anew = () => document.body.dispatchEvent(new Event("notes"));

  // The list

  async function said(number, what, body) {
    try {
      await review.change("POST", `${here}/${number}/${what}`, body);
    } catch (failed) {
      if (![404, 409].includes(failed.status)) return;
    }
    anew();
  }

  find("problems").addEventListener("submit", event => {
    event.preventDefault();
    const note = event.target.closest(".problem");
    said(note.dataset.number, "done", {fix: event.target.elements.fix.value, seen: note.dataset.seen});
  });
  find("problems").addEventListener("click", event => {
    const note = event.target.closest(".problem");
    if (event.target.closest(".reopen")) said(note.dataset.number, "reopen", {seen: note.dataset.seen});
  });

  function filter() {
    const text = find("find-note").value.trim().toLowerCase(), only = find("only-open").checked;
    for (const note of document.querySelectorAll(".problem"))
      note.hidden = (only && note.classList.contains("closed")) || !note.textContent.toLowerCase().includes(text);
  }
  find("find-note").addEventListener("input", filter);
  find("only-open").addEventListener("change", filter);

  let isFirst = true;
  document.body.addEventListener("htmx:afterSwap", () => {
    filter();
    const wanted = decodeURIComponent(location.hash.slice(1));
    for (const note of document.querySelectorAll(".problem")) note.classList.toggle("aimed", Boolean(wanted) && note.dataset.section === wanted);
    if (isFirst) document.querySelector(".problem.aimed")?.scrollIntoView({block: "center"});
    isFirst = false;
  });

  // A new one

  if (!find("new-note")) return;

  function picture() {
    const key = find("new-section").value, channel = find("new-channel")?.value || "0";
    unmark();
    find("new-picture").hidden = find("new-hint").hidden = !key;
    if (key) find("new-image").src = `${here}/pictures/${encodeURIComponent(key)}.jpg?channel=${channel}`;
  }

  function unmark() {
    mark = null;
    find("new-mark").hidden = find("new-unmark").hidden = true;
  }

  find("new-image").addEventListener("error", () => { find("new-picture").hidden = find("new-hint").hidden = true; });
  find("new-image").addEventListener("load", () => { find("new-picture").hidden = find("new-hint").hidden = false; });
  find("new-picture").addEventListener("click", event => {
    const box = find("new-image").getBoundingClientRect();
    mark = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (!mark.every(share => share >= 0 && share <= 1)) return unmark();
    Object.assign(find("new-mark").style, {left: `${100 * mark[0]}%`, top: `${100 * mark[1]}%`});
    find("new-mark").hidden = find("new-unmark").hidden = false;
  });
  find("new-unmark").addEventListener("click", unmark);
  find("new-section").addEventListener("change", picture);
  find("new-channel")?.addEventListener("change", picture);
  find("new-note").addEventListener("submit", async event => {
    event.preventDefault();
    const body = {entry: find("new-entry").value, section: find("new-section").value,
      channel: Number(find("new-channel")?.value || 0), mark};
    try {
      await review.change("POST", here, body);
    } catch {
      return;  // what was written stays
    }
    find("new-entry").value = "";
    unmark();
    anew();
  });

  const wanted = decodeURIComponent(location.hash.slice(1));
  if ([...find("new-section").options].some(one => one.value === wanted)) find("new-section").value = wanted;
  picture();
})();
