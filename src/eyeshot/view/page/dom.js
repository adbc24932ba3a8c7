// Elements from plain values. Text is only ever set as text, so names cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes: on… handlers, class, others as they are; false and null leave one out.
 * @param {string} tag @param {Record<string, any> | null} [attributes] @param {...any} children @returns {any}
 */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes ?? {}, children);
}

/**
 * An SVG element.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...any} children @returns {any}
 */
export function s(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes ?? {}, children);
}

/** @param {any} element @param {Record<string, any>} attributes @param {any[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, String(value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Put new children in the place of an element's own. @param {any} element @param {...any} children */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
}

/** @type {Map<string, string>} */
const colours = new Map();

/** A colour of the theme, as the style sheet has it. @param {string} name @returns {string} */
export function colour(name) {
  let found = colours.get(name);
  if (found === undefined)
    colours.set(name, (found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()));
  return found;
}

/** Ask the style sheet again: the theme may have changed. */
export function forgetColours() {
  colours.clear();
}

/**
 * A canvas context in CSS pixels, sharp on any screen; sized to width × height.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @returns {CanvasRenderingContext2D}
 */
export function pen(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A label above or beside a control. @param {string} text @param {any} control @param {string} [kind] */
export function labelled(text, control, kind = "field-label") {
  return h("label", { class: kind }, h("span", null, text), control);
}

/** A table's head cells. @param {Array<[string, string]>} columns heading and class */
export function headCells(columns) {
  return h(
    "tr",
    null,
    columns.map(([heading, kind]) => h("th", { scope: "col", class: kind }, heading)),
  );
}
