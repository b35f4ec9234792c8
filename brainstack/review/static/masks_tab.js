// Words for this tab: by which the server, and what is kept in this browser, tell it from other tabs.

const KEPT = "brainstack masks: tab", FREED_WITHIN_MS = 1000;
const made = () => crypto.getRandomValues(new Uint32Array(2)).join("-");
const lockOf = word => `brainstack masks: ${word}`;
const locks = navigator.locks;  // not there where the server is reached by plain HTTP under another name than localhost

function remembered() {
  try { return sessionStorage.getItem(KEPT); } catch { return null; }  // all storage may be forbidden
}

function remember(word) {
  try { sessionStorage.setItem(KEPT, word); } catch { /* it has another one when it is loaded again */ }
}

// Hold a word's lock for as long as this page is there. Returns false where another tab has it. When a page is loaded
// again, the one before may need a moment to go.
function hold(word) {
  if (!locks) return true;
  return new Promise(resolve => {
    const held = () => { resolve(true); return new Promise(() => {}); };
    locks.request(lockOf(word), {signal: AbortSignal.timeout(FREED_WITHIN_MS)}, held).catch(() => resolve(false));
  });
}

async function wordOfTab() {
  const before = remembered();
  if (before && await hold(before)) return before;
  const word = made();  // a new tab, or one that was duplicated, with what the first remembers
  await hold(word);
  remember(word);
  return word;
}

export const TAB = await wordOfTab();  // stays the same when the page is loaded again
export const PAGE = made();            // does not

// Returns whether the tab of a word is open, as far as this browser says.
export async function openTabs() {
  const held = new Set(locks ? (await locks.query()).held.map(one => one.name) : []);
  return word => held.has(lockOf(word));
}
