// Drawing slides, scenes and the stack from what the server said of them. Elements stay where nothing of theirs changed.
"use strict";
const slidesDraw = (() => {
  const FLIPS = {none: "", flip: "rotate(180deg)", flop: "scaleX(-1)"};
  const MARKS = {"good": "", "bad": "bad", "out of focus": "out of focus", "end": "end", "dropped": "dropped"};
  let channel = 0;

  function made(tag, className = "", text = "") {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  // toLocaleString would need a tenth of a second for the first one alone.
  const micrometres = value => `${String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",")} \u00b5m`;

  // A picture in its box, turned as its section will be: quarter turns clockwise first, then the flip.
  function picture(scene, box, size = "small") {
    const [wide, high] = box;
    const isLying = scene.rotation % 2 === 1;
    const fit = isLying ? Math.min(wide / scene.height, high / scene.width) : Math.min(wide / scene.width, high / scene.height);
    const image = made("img");
    Object.assign(image, {alt: "", loading: size === "small" ? "lazy" : "eager", decoding: "async", draggable: false});
    image.width = Math.max(1, Math.round(scene.width * fit));
    image.height = Math.max(1, Math.round(scene.height * fit));
    image.style.transform = `translate(-50%, -50%) ${FLIPS[scene.flip]} rotate(${90 * scene.rotation}deg)`;
    image.src = `${pictureOf(scene)}&size=${size}`;
    return image;
  }

  const pictureOf = scene => scene.pictures[Math.min(channel, scene.pictures.length - 1)] || "";

  function boxed(scene, box, size = "small", className = "box") {
    const element = made("div", className);
    element.style.width = `${box[0]}px`;
    element.style.height = `${box[1]}px`;
    element.append(pictureOf(scene) ? picture(scene, box, size) : made("span", "nothing", "no picture yet: the next run makes it"));
    return element;
  }

  function scene(one, slide, numbers) {
    const item = made("li", "scene");
    item.dataset.key = one.key;
    item.classList.toggle("section", !["end", "dropped"].includes(one.verdict));
    item.dataset.verdict = one.verdict;
    item.tabIndex = -1;
    item.append(boxed(one, [150, 104]));
    item.append(made("span", "number", String(one.number)));
    if (MARKS[one.verdict]) item.append(made("span", "mark", MARKS[one.verdict]));
    item.append(made("span", "where", placeWords(one, numbers)));
    if (one.reason) item.append(made("span", "why", one.reason));
    item.setAttribute("aria-label", `slide ${slide.number}, scene ${one.number}: ${one.verdict}${one.reason ? ` (${one.reason})` : ""}, ${placeWords(one, numbers)}`);
    return item;
  }

  function placeWords(one, numbers) {
    const words = numbers.length ? (numbers.length > 1 ? `sections ${numbers[0]} to ${numbers.at(-1)}` : `section ${numbers[0]}`) : "not in the stack";
    const more = [];
    if (!numbers.length && !one.moved_after) return words;
    const isFilled = ["bad", "out of focus"].includes(one.verdict);
    if (one.copies && one.verdict === "good") more.push(one.copies === 1 ? "1 copy" : `${one.copies} copies`);
    else if (one.copies && isFilled) more.push("filled by its neighbour");
    else if (numbers.length && isFilled) more.push("gap");
    if (one.is_turned_itself) more.push("turned by itself");
    if (one.moved_after) more.push("moved");
    return [words, ...more].join(", ");
  }

  function photograph(address, words) {
    const figure = made("figure", "photo");
    if (address) {
      const image = made("img");
      Object.assign(image, {src: `${address}&size=small`, alt: words, loading: "lazy", draggable: false, width: 150, height: 104});
      figure.append(image);
    } else figure.append(made("span", "nothing", `the scan has no ${words}`));
    figure.append(made("figcaption", "", words));
    return figure;
  }

  function scan(slide, hasOthers, numbersOf) {
    const article = made("article", "scan");
    article.dataset.name = slide.name;
    article.setAttribute("role", "listitem");
    article.classList.toggle("out", !slide.in_use || slide.status === "Bad");
    const head = made("header");
    head.append(made("strong", "", `Slide ${slide.number}`), made("span", "soft file", slide.name));
    if (hasOthers) head.append(made("span", "tag", slide.in_use ? (slide.adds ? "adds scenes" : "this scan is used") : "not used: another scan is"));
    if (slide.status === "Bad") head.append(made("span", "tag bad", `bad slide${slide.reason ? `: ${slide.reason}` : ""}`));
    if (slide.is_colour) head.append(made("span", "tag", "in colour"));
    if (hasOthers && review.mayEdit) {
      head.append(made("span", "grow"));
      if (!slide.in_use || slide.adds) head.append(button("Use this scan", {use: "this"}));
      if (slide.rescan > 1 && !slide.adds) head.append(button("Only adds scenes", {use: "adds"}));
    }
    const body = made("div", "body");
    const list = made("ol", "scenes");
    if (slide.trouble) body.append(made("p", "trouble-here", slide.trouble));
    else {
      body.append(photograph(slide.label, "label"), photograph(slide.preview, "preview"));
      for (const one of slide.scenes) list.append(scene(one, slide, numbersOf.get(one.key) || []));
      body.append(list);
      if (!slide.scenes.length) body.append(made("p", "trouble-here", "No scene was found on this slide."));
    }
    article.append(head, ...slide.notices.map(one => notice(one)), body);
    return article;
  }

  function notice(one) {
    const paragraph = made("p", "notice");
    paragraph.append(made("span", "", one.words));
    if (review.mayEdit) for (const choice of one.choices) paragraph.append(button(choice.words, choice.says, choice.scene));
    return paragraph;
  }

  // What pressing it decides of its slide (scene 0), or a scene of it.
  function button(words, says, scene = 0) {
    const element = made("button", "", words);
    element.dataset.says = JSON.stringify(says);
    element.dataset.scene = String(scene);
    return element;
  }

  // Of hundreds of slides most are out of sight: they are filled when they come near.
  const NEAR = "800px";
  const observers = new Map();

  function later(element, fill, scroller) {
    if (!observers.has(scroller)) {
      const fillNear = entries => { for (const one of entries) if (one.isIntersecting) filled(one.target); };
      observers.set(scroller, new IntersectionObserver(fillNear, {root: scroller, rootMargin: NEAR}));
    }
    element.fill = () => { observers.get(scroller).unobserve(element); fill(element); };
    observers.get(scroller).observe(element);
    return element;
  }

  function filled(element) {
    const fill = element?.fill;
    if (fill) { element.fill = null; fill(); }
    return element;
  }

  function slot(one, scenes, strip) {
    const item = made("li", "slot");
    item.dataset.key = one.key;
    item.dataset.scene = one.scene;
    item.classList.toggle("gap", one.gap);
    item.classList.toggle("copy", one.copy > 0);
    item.title = `section ${one.number}: ${one.key}, ${one.z_um} \u00b5m${one.gap ? ", a gap" : ""}`;
    return later(item, () => fillSlot(item, one, scenes.get(one.scene)), strip);
  }

  function fillSlot(item, one, of) {
    item.append(of ? boxed(of, [64, 46], "small", "box") : made("div", "box"));
    item.append(made("span", "number", String(one.number)), made("span", "z", micrometres(one.z_um)));
    if (one.gap) item.append(made("span", "mark", "gap"));
    if (one.copy) item.append(made("span", "mark", "copy"));
  }

  // Put elements of these keys into a parent in order; one is made anew where what it shows is not what it was.
  function reconcile(parent, items, keyOf, make) {
    const known = new Map([...parent.children].map(child => [child.dataset.is, child]));
    let before = parent.firstElementChild;
    for (const item of items) {
      const is = keyOf(item), shows = JSON.stringify(item);
      let element = known.get(is);
      known.delete(is);
      if (!element || element.shows !== shows) {
        const fresh = make(item);
        Object.assign(fresh.dataset, {is});
        fresh.shows = shows;
        if (element) {
          if (before === element) before = element.nextElementSibling;
          if (!element.fill) filled(fresh);
          element.replaceWith(fresh);
        }
        element = fresh;
      }
      if (element === before) before = before.nextElementSibling;
      else parent.insertBefore(element, before);
    }
    for (const left of known.values()) left.remove();
  }

  return {
    made, boxed, scan, slot, reconcile, placeWords, later, filled,
    channel: () => channel,
    setChannel: number => { channel = number; },
  };
})();
