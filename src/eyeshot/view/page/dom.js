// Elements from plain values. Text is only ever set as text, so names cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | false | null | undefined | readonly Child[]} Child */
/** @typedef {(event: never) => unknown} Handler */
/** @typedef {Record<string, string | number | boolean | null | undefined | Handler>} Attributes */

/**
 * An element. Attributes: on… handlers, class, others as they are; false and null leave one out.
 * @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes ?? {}, children);
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes] @param {...Child} children @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes ?? {}, children);
}

/**
 * @template {HTMLElement | SVGElement} E
 * @param {E} element @param {Attributes} attributes @param {readonly Child[]} children @returns {E}
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (name.startsWith("--")) element.style.setProperty(name, String(value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Put new children in the place of an element's own. @param {ParentNode} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Children in one row, without those that stand for none.
 * @param {readonly Child[]} children @returns {Array<Node | string>}
 */
function nodes(children) {
  return children.flatMap((child) => {
    if (child === null || child === undefined || child === false) return [];
    if (typeof child === "object" && !(child instanceof Node)) return nodes(child);
    return typeof child === "number" ? String(child) : child;
  });
}

/** @type {Map<string, string>} */
const colours = new Map();
/** @type {HTMLElement | undefined} */
let probe;

/**
 * A colour of the theme, as numbers: system colours, which high contrast brings, mean others to a canvas that is not
 * on the page. @param {string} name @returns {string}
 */
export function colour(name) {
  const known = colours.get(name);
  if (known !== undefined) return known;
  if (!probe) document.body.append((probe = h("span", { class: "probe", hidden: true })));
  probe.style.color = `var(--${name})`;
  const { color } = getComputedStyle(probe);
  colours.set(name, color);
  return color;
}

/** @type {Map<string, string>} */
const fonts = new Map();

/** A font of the theme, as a canvas takes it. @param {"sans" | "mono"} name @param {number} [size] */
export function font(name, size = 11) {
  const family = fonts.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  fonts.set(name, family);
  return `${size}px ${family}`;
}

/** Ask the style sheet again whenever the theme changes, and then act. @param {() => void} act */
export function whenColoursChange(act) {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", () => {
      colours.clear();
      act();
    });
  }
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

/** A label above or beside a control. @param {string} text @param {HTMLElement} control @param {string} [kind] */
export function labelled(text, control, kind = "field-label") {
  return h("label", { class: kind }, h("span", null, text), control);
}

/**
 * The element inside another whose data-… has a value, whatever signs the value is made of.
 * @param {ParentNode} root @param {string} key @param {string | undefined} value @returns {HTMLElement | undefined}
 */
export function withData(root, key, value) {
  const all = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-${key}]`));
  return [...all].find((element) => element.dataset[key] === value);
}

/** Do something when the browser has nothing else to do, but soon. @param {() => void} work @returns {number} */
export const whenIdle = (work) =>
  "requestIdleCallback" in window ? requestIdleCallback(work, { timeout: 200 }) : setTimeout(work, 30);
/** @param {number} id */
export const cancelIdle = (id) => ("cancelIdleCallback" in window ? cancelIdleCallback(id) : clearTimeout(id));
