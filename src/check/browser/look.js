// What a person can see of a page. It is run in the page for every look, and changes nothing there.
const [ask, given, more] = arguments;

const plain = (text) => text.replace(/\s+/g, " ").trim();
const same = (a, b) => plain(a) === plain(b);
const isElement = (node) => node.nodeType === 1;
// Towards the root, through shadow trees and the places where their content is shown.
const above = (node) =>
  node.assignedSlot || node.parentElement || (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);

const styles = new Map();
const styleOf = (element) => {
  let style = styles.get(element);
  if (!style) styles.set(element, (style = getComputedStyle(element)));
  return style;
};

// Ways to show nothing that are none of checkVisibility's.
const isEmptied = (style) =>
  /opacity\((0|0?\.0+|0%)\)/.test(style.filter) ||
  /^(inset\((50|100)%|circle\(0(px|%)? )/.test(style.clipPath) ||
  /^rect\((0px,? ?|1px,? ?){4}\)$/.test(style.clip);

const emptied = new Map();
function isInNothing(element) {
  if (!element) return false;
  let known = emptied.get(element);
  if (known === undefined) {
    known = isEmptied(styleOf(element)) || isInNothing(above(element));
    emptied.set(element, known);
  }
  return known;
}

function isDrawn(element) {
  // One without a box of its own is drawn where what is around it is.
  if (styleOf(element).display === "contents") return above(element) !== null && isDrawn(above(element));
  return element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !isInNothing(element);
}

// The part of a rectangle of `element`'s content that is not cut off. What can be scrolled to counts.
function isOpen(rect, element) {
  let { left, top, right, bottom } = rect;
  let skip = false;
  for (let at = element; at && at !== document.body && at !== document.documentElement; at = above(at)) {
    const style = styleOf(at);
    const clips = [style.overflowX, style.overflowY].some((o) => o === "hidden" || o === "clip");
    // What is placed absolutely is not cut off by what it is not placed in.
    if (clips && !(skip && style.position === "static")) {
      const box = at.getBoundingClientRect();
      left = Math.max(left, box.left);
      top = Math.max(top, box.top);
      right = Math.min(right, box.right);
      bottom = Math.min(bottom, box.bottom);
    }
    if (style.position === "fixed") break;
    if (style.position === "absolute") skip = true;
    else if (style.position !== "static") skip = false;
  }
  const isPart = right - left > 1 && bottom - top > 1;
  return isPart && right + scrollX > 0 && bottom + scrollY > 0;
}

function isSeen(element) {
  if (!element.isConnected || !isDrawn(element)) return false;
  // One with `display: contents`, or whose content floats, has no box of its own.
  return [...element.getClientRects()].some((rect) => isOpen(rect, element)) || /\S/.test(textOf(element));
}

const alpha = (colour) => {
  const parts = colour.match(/^rgba\(.*,\s*([\d.]+)\)$/) || colour.match(/\/\s*([\d.]+)\)$/);
  return parts ? Number(parts[1]) : 1;
};

function isWritten(node, element) {
  if (!isDrawn(element)) return false;
  const style = styleOf(element);
  if (parseFloat(style.fontSize) < 1) return false;
  if (alpha(style.webkitTextFillColor) === 0 && style.backgroundClip !== "text") return false;
  const range = document.createRange();
  range.selectNodeContents(node);
  return [...range.getClientRects()].some((rect) => isOpen(rect, element));
}

function written(text, style) {
  if (style.textTransform === "uppercase") return text.toUpperCase();
  if (style.textTransform === "lowercase") return text.toLowerCase();
  if (style.textTransform === "capitalize") return text.replace(/(^|[\s-])(\S)/g, (_, a, b) => a + b.toUpperCase());
  return text;
}

// Whose text is no text of the page: code, and what a person types or chooses.
const SILENT = "script,style,noscript,template,textarea,select,datalist,option,[contenteditable]:not([contenteditable=false])";
const BUTTONS = "input[type=button],input[type=submit],input[type=reset]";

function gather(node, out) {
  if (node.nodeType === 3) {
    const element = node.parentElement || (node.parentNode && node.parentNode.host);
    // White space between two elements keeps their words apart.
    if (!/\S/.test(node.data)) out.push(" ");
    else if (element && isWritten(node, element)) out.push(written(node.data, styleOf(element)));
    return;
  }
  if (!isElement(node) || node.matches(SILENT)) return;
  if (node.matches(BUTTONS)) {
    if (isDrawn(node)) out.push(" ", node.value, " ");
    return;
  }
  // Its content is there and not drawn, although the element itself is.
  if (styleOf(node).contentVisibility === "hidden") return;
  if (node.tagName === "DETAILS" && !node.open) {
    const summary = [...node.children].find((child) => child.tagName === "SUMMARY");
    if (summary) gather(summary, out);
    return;
  }
  const apart = node.tagName === "BR" || !/^(inline|contents)/.test(styleOf(node).display);
  if (apart) out.push(" ");
  const shown = node.tagName === "SLOT" && node.assignedNodes().length ? node.assignedNodes() : (node.shadowRoot || node).childNodes;
  for (const child of shown) gather(child, out);
  if (apart) out.push(" ");
}

function textOf(element) {
  const out = [];
  if (element) gather(element, out);
  return plain(out.join(""));
}

// Every element that fits, in open shadow trees too.
function fitting(selector, root = document, out = []) {
  for (const element of root.querySelectorAll(selector)) out.push(element);
  for (const element of root.querySelectorAll("*")) {
    if (element.shadowRoot) fitting(selector, element.shadowRoot, out);
  }
  return out;
}

// The innermost elements that hold this text and no other.
function reading(text) {
  const wanted = plain(text).toLowerCase();
  const holds = (element) => {
    if (element.matches(BUTTONS)) return same(element.value, text);
    const raw = plain(element.textContent);
    return raw.toLowerCase().includes(wanted) && (raw === plain(text) || textOf(element) === plain(text));
  };
  const all = fitting("body *").filter((e) => !e.matches("script,style,noscript,template") && holds(e));
  return all.filter((e) => !all.some((other) => other !== e && e.contains(other)));
}

const CONTROLS = "input,select,textarea,button,meter,progress,output,[contenteditable],[role]";

// Fields that a label names, drawn or not: file fields are often hidden behind theirs.
const labelled = (text) =>
  fitting("input,select,textarea,button,meter,progress,output").filter((field) =>
    [...(field.labels || [])].some((label) => same(label.textContent, text)));

// Parts that the browser itself makes of a field are none of the page's.
const isOfField = (element) => {
  const root = element.getRootNode();
  return root instanceof ShadowRoot && root.host.matches("input,select,textarea,audio,video,meter,progress");
};

const sorted = (elements, fits = isSeen) => {
  const all = [...new Set(elements)].filter((e) => !isOfField(e));
  const seen = all.filter(fits);
  return { seen, unseen: all.filter((e) => !seen.includes(e)) };
};

switch (ask) {
  case "text":
    return textOf(document.body);
  case "css":
    try {
      return sorted(fitting(given));
    } catch (wrong) {
      if (wrong instanceof DOMException && wrong.name === "SyntaxError") return "no selector";
      throw wrong;
    }
  case "written": {
    const wanted = plain(given).toLowerCase();
    return sorted(reading(given), (e) => isSeen(e) && textOf(e).toLowerCase() === wanted);
  }
  case "labelled":
    return sorted([...labelled(given), ...more.filter((e) => e.matches(CONTROLS))]);
  case "these":
    return sorted(more);
  case "root":
    return document.documentElement;
  case "value":
    return more[0].isContentEditable ? plain(more[0].innerText) : String(more[0].value ?? "");
  case "busy":
    if (document.readyState !== "complete") return "it is still being loaded";
    return fitting("[aria-busy=true]").some(isSeen) ? "it says that it is busy (aria-busy)" : null;
  default:
    throw new Error(`unknown look '${ask}'`);
}
