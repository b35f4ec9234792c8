// Strokes that the server does not have yet. Each page keeps its own in this browser, and leaves those of others alone;
// what a page left behind that is gone, by closing its tab or loading it again, is for any other.

import {store} from "./masks_store.js";
import {PAGE, TAB, openTabs} from "./masks_tab.js";

const own = section => [section, TAB, PAGE];
// The section alone is a name that earlier versions gave; nobody knows of which tab.
const partsOf = name => Array.isArray(name) ? name : [name, "", ""];

// Names of what was left behind.
async function left() {
  const isOpen = await openTabs();
  return (await store.names("drafts")).filter(name => {
    const [, tab, page] = partsOf(name);
    return tab === TAB ? page !== PAGE : !isOpen(tab);
  });
}

export const drafts = {
  keep: (section, draft) => store.put("drafts", own(section), draft),
  done: section => store.remove("drafts", own(section)),
  forget: name => store.remove("drafts", name),
  sectionsLeft: async () => new Set((await left()).map(name => partsOf(name)[0])),
  // Of one section, the newest first.
  async leftOf(section) {
    const names = (await left()).filter(name => partsOf(name)[0] === section);
    const found = await Promise.all(names.map(async name => ({...await store.get("drafts", name), name})));
    return found.filter(one => one.runs).sort((a, b) => b.at - a.at);
  },
};
