// The ledger: one row a layer, lanes beside it, repeated blocks told once. Rows select the layer.

import { layerButton } from "./controls.js";
import { cancelIdle, fill, h, whenIdle, withData } from "./dom.js";
import { gutter } from "./gutter.js";
import { lanes, lineInputs } from "./lanes.js";
import { area, mapSize, shownOf } from "./network.js";
import { marked } from "./view.js";
import { NONE, fieldSize, fieldStride, imageShare, percent, short, shortened, times, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */
/**
 * @typedef {{name: string, op: string, layers: number[], blocks?: number, members?: Line[], depth?: number, folds?:
 * Line}} Line
 */

const LOOK = { space: 11, high: 26, most: 9, dot: 3.5 };
/** Rows made first and then at a time, when the browser is idle, so that long networks show soon. */
const FIRST = 60;
const CHUNK = 150;
/** Columns in the order in which they leave where there is little room. */
const LEAVING = ["part", "stride", "op", "out", "params", "macs", "share", "data"];

/**
 * @param {{pick: (layer: number) => void, preview: (layer: number | null) => void}} actions
 * @returns {{root: HTMLElement, update: (view: View) => void}}
 */
export function ledgerPanel(actions) {
  const body = h("tbody", { onkeydown: moveByKeys });
  const foot = h("tfoot");
  const caption = h("caption", { class: "ledger-caption" });
  const head = h("thead");
  const table = h("table", { class: "ledger" }, caption, head, body, foot);
  const root = h(
    "section",
    { class: "ledger-box", "aria-label": "Layers" },
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Layers, scrollable" }, table),
  );
  /** @type {Set<string>} */
  const opened = new Set();
  /** @type {Map<number, HTMLTableRowElement>} */
  let rowOf = new Map();
  let shownDesign = /** @type {Design | null} */ (null);
  let shownKey = "";
  let shownRow = /** @type {HTMLTableRowElement | undefined} */ (undefined);
  let making = 0;
  let hasReach = false;
  /** @type {View} */
  let current;

  /** @param {View} view */
  function rebuild(view) {
    const { design } = view;
    const hasData = design.entry.gates;
    fill(caption, `${design.name} · input ${times(design.nodes[design.input].shape.slice(1))}`);
    fill(
      head,
      h(
        "tr",
        null,
        h("th", { scope: "col", class: "gutter" }, h("span", { class: "hidden" }, "lanes")),
        [
          ["layer", "name"],
          ["op", "op"],
          ["out", "out"],
          ["sees", "sees"],
          ...(hasData ? [["data path", "data"]] : []),
          ["of image", "share"],
          ["stride", "stride"],
          ["params", "params"],
          ["MACs", "macs"],
          ["of MACs", "part"],
        ].map(([text, kind]) => h("th", { scope: "col", class: kind, title: TITLES[kind] }, text)),
        h("th", { scope: "col", class: "reach", "--digits": mostDigits(design) }, "see the pixel"),
      ),
    );
    const lines = unfolded(design.lines, opened);
    const { rows, width } = lanes(lineInputs(lines, design));
    rowOf = new Map();
    body.replaceChildren();
    cancelIdle(making);
    /** @param {number} from @param {number} size */
    const make = (from, size) => {
      body.append(...lines.slice(from, from + size).flatMap((line, i) => lineRows(line, rows[from + i], width, view)));
      mark(current);
      if (from + size < lines.length) making = whenIdle(() => make(from + size, CHUNK));
      else if (from) fit(dropped);
    };
    current = view;
    make(0, FIRST);
    fit();
    fill(foot, totalRow(design, hasData));
  }

  /** @param {Line} line @param {import("./lanes.js").Row} lane @param {number} width @param {View} view */
  function lineRows(line, lane, width, view) {
    const { design } = view;
    const shown = shownOf(line);
    const words = design.entry.rules[String(line.layers[0])];
    const rows = [];
    if (words)
      rows.push(
        h(
          "tr",
          { class: "rule" },
          h("td", { class: "gutter" }, gutter(LOOK, lane, width, { isBetween: true })),
          h("td", { colspan: 11 }, h("span", null, words)),
        ),
      );
    const layer = design.nodes[shown];
    const macs = sum(line.layers, (i) => design.nodes[i].macs);
    const params = sum(line.layers, (i) => design.nodes[i].params);
    const share = imageShare(layer.field, design.extent);
    const total = design.entry.totals.macs;
    const tr = h(
      "tr",
      {
        "data-row": shown,
        class: layer.problem
          ? "broken"
          : line.layers.some((i) => view.state.edits && isEdited(view, i))
            ? "edited"
            : null,
        onpointerenter: () => actions.preview(shown),
        onpointerleave: () => actions.preview(null),
      },
      h("td", { class: "gutter" }, gutter(LOOK, lane, width)),
      h("th", { scope: "row", class: "name", style: null }, nameButton(line, shown, view)),
      h("td", { class: "op" }, line.layers.some((i) => isEdited(view, i)) && !line.blocks ? layer.words : line.op),
      h("td", { class: "out" }, layer.problem ? NONE : times(layer.shape.slice(1))),
      h("td", { class: "sees" }, fieldSize(layer.field)),
      design.entry.gates ? h("td", { class: "data" }, fieldSize(layer.data)) : null,
      h(
        "td",
        { class: "share bar", "--share": share.toFixed(4) },
        layer.field.size.length ? (layer.field.bound ? "≤" : "") + percent(share) : NONE,
      ),
      h("td", { class: "stride" }, fieldStride(layer.field)),
      h("td", { class: "params" }, params ? short(params) : NONE),
      h("td", { class: "macs" }, macs ? short(macs) : NONE),
      h(
        "td",
        { class: "part bar", "--share": total ? (macs / total).toFixed(4) : "0" },
        macs ? percent(macs / total) : NONE,
      ),
      h("td", { class: "reach" }),
    );
    tr.addEventListener("click", (event) => {
      if (!(/** @type {Element} */ (event.target).closest("button")) && !String(getSelection())) actions.pick(shown);
    });
    for (const i of line.layers) rowOf.set(i, tr);
    return [...rows, tr];
  }

  /** @param {Line} line @param {number} shown @param {View} view */
  function nameButton(line, shown, view) {
    const button = layerButton(line.name, () => actions.pick(shown));
    button.tabIndex = -1;
    button.addEventListener("focus", () => actions.preview(shown));
    button.addEventListener("blur", () => actions.preview(null));
    const indent = line.depth ? h("span", { class: "indent", "aria-hidden": "true" }) : null;
    return [indent, button, line.folds ? opener(line.folds, true) : line.blocks ? opener(line, false) : null];
  }

  /** @param {Line} line @param {boolean} isOpen */
  function opener(line, isOpen) {
    const words = `${line.blocks} blocks alike: ${shortened(line.name)}`;
    return h(
      "button",
      {
        type: "button",
        class: "opener",
        "data-opener": line.name,
        "aria-expanded": String(isOpen),
        "aria-label": words,
        title: `${isOpen ? "Fold" : "Unfold"} ${words}`,
        onclick: () => {
          if (isOpen) opened.delete(line.name);
          else opened.add(line.name);
          rebuild(current);
          withData(body, "opener", line.name)?.focus();
        },
      },
      h("span", { "aria-hidden": "true" }, isOpen ? "▾" : "▸"),
      ` ×${line.blocks}`,
    );
  }

  let dropped = 0;
  /** Columns leave by priority until the others fit; numbers are never cut. @param {number} [least] that have left */
  function fit(least = 0) {
    const box = /** @type {HTMLElement} */ (root.firstElementChild);
    dropped = least;
    table.dataset.drop = LEAVING.slice(0, dropped).join(" ");
    while (box.scrollWidth > box.clientWidth && dropped < LEAVING.length)
      table.dataset.drop = LEAVING.slice(0, ++dropped).join(" ");
  }
  let wide = 0;
  new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - wide) < 1) return;
    wide = root.clientWidth;
    fit();
  }).observe(root);

  let here = /** @type {HTMLTableRowElement | undefined} */ (undefined);
  let stop = /** @type {HTMLElement | null | undefined} */ (null);

  /** Which row is selected, and which the keyboard comes to. @param {View} view */
  function mark(view) {
    const tr = rowOf.get(view.at);
    const on = view.isPreview ? "preview" : "pinned";
    if (here !== tr) here?.removeAttribute("data-on");
    here = tr;
    if (tr && tr.dataset.on !== on) tr.dataset.on = on;
    table.toggleAttribute("data-point", Boolean(view.state.point));
    const next = /** @type {HTMLElement | null} */ ((tr ?? body).querySelector(".row-name"));
    if (view.isPreview || (stop === next && next?.hasAttribute("aria-current") === Boolean(tr))) return;
    stop?.setAttribute("tabindex", "-1");
    stop?.removeAttribute("aria-current");
    stop = next;
    stop?.setAttribute("tabindex", "0");
    if (tr) stop?.setAttribute("aria-current", "true");
  }

  /** @param {View} view */
  function reaches(view) {
    if (!view.state.point) return;
    for (const tr of new Set(rowOf.values())) {
      const at = Number(tr.dataset.row);
      const n = area(marked(view, at));
      const cell = tr.lastElementChild;
      if (cell) cell.textContent = n ? whole(n) : NONE;
    }
  }

  return {
    root,
    update: (view) => {
      current = view;
      const key = `${view.state.design} ${view.state.edits}`;
      if (shownDesign !== view.design || shownKey !== key) {
        shownDesign = view.design;
        shownKey = key;
        openFor(view, opened);
        rebuild(view);
      } else if (!rowOf.has(view.at) && !view.isPreview && openFor(view, opened)) rebuild(view);
      mark(view);
      reaches(view);
      if (hasReach !== Boolean(view.state.point)) {
        hasReach = !hasReach;
        fit();
      }
      if (view.isPreview || shownRow === rowOf.get(view.at)) return;
      shownRow = rowOf.get(view.at);
      if (shownRow) bringIntoSight(shownRow, head);
    },
  };
}

/** @type {Record<string, string>} */
const TITLES = {
  sees: "receptive field in input pixels, on an endless image",
  data: "the same without gates and statistics",
  share: "share of the image inside the field of a unit that has it whole before it",
  stride: "input pixels per step to the next unit",
  params: "weights and biases",
  macs: "multiply-accumulates; FLOPs are twice as many",
  part: "share of the network's MACs",
  out: "channels × map",
};

/**
 * Lines with the opened blocks written out.
 * @param {Line[]} lines @param {Set<string>} opened @param {number} [depth] @returns {Line[]}
 */
function unfolded(lines, opened, depth = 0) {
  return lines.flatMap((line) =>
    line.members && opened.has(line.name)
      ? unfolded(line.members, opened, depth + 1).map((member, i) => (i ? member : { ...member, folds: line }))
      : [{ ...line, depth }],
  );
}

/**
 * Open the block that holds the selected layer, unless it is what the block's line shows; whether any was.
 * @param {View} view @param {Set<string>} opened @returns {boolean}
 */
function openFor(view, opened) {
  let changed = false;
  /** @param {Line[]} lines */
  const search = (lines) => {
    for (const line of lines) {
      if (!line.members || !line.layers.includes(view.at) || line.layers.at(-1) === view.at) continue;
      if (!opened.has(line.name)) changed = true;
      opened.add(line.name);
      search(line.members);
    }
  };
  search(view.design.lines);
  return changed;
}

/** @param {Design} design @param {boolean} hasData */
function totalRow(design, hasData) {
  const { params, macs } = design.entry.totals;
  return h(
    "tr",
    null,
    h("td", { class: "gutter" }),
    h("th", { scope: "row", class: "name" }, "total"),
    h("td", { class: "op" }),
    h("td", { class: "out" }),
    h("td", { class: "sees" }),
    hasData ? h("td", { class: "data" }) : null,
    h("td", { class: "share" }),
    h("td", { class: "stride" }),
    h("td", { class: "params", title: whole(params) }, short(params)),
    h("td", { class: "macs", title: whole(macs) }, short(macs)),
    h("td", { class: "part" }, macs ? "100 %" : NONE),
    h("td", { class: "reach" }),
  );
}

/** Signs of the greatest number of units that can see a pixel: what is written while dragging fits from the start.
 *  @param {Design} design */
function mostDigits(design) {
  const units = design.nodes.map((_, at) => mapSize(design, at).reduce((a, b) => a * b, 1));
  return whole(units.reduce((a, b) => Math.max(a, b), 0)).length;
}

/** Whether a layer's own window was changed. @param {View} view @param {number} at */
const isEdited = (view, at) => Boolean(view.state.edits) && Boolean(view.design.nodes[at].isResized);

/**
 * Scroll the box that holds a row as little as shows it whole. Never the page: a lesson has a ledger at its end, and
 * whoever reads on a phone keeps what is looked at.
 * @param {HTMLElement} row
 * @param {HTMLElement} head lies over the first rows of the box once it is scrolled
 */
function bringIntoSight(row, head) {
  const box = /** @type {HTMLElement} */ (row.closest(".scroll"));
  const [at, around] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
  const above = around.top + head.offsetHeight - at.top;
  const below = at.bottom - around.bottom;
  if (above > 0) box.scrollTop -= above;
  else if (below > 0) box.scrollTop += below;
}

/** @param {KeyboardEvent} event */
function moveByKeys(event) {
  const body = /** @type {HTMLElement} */ (event.currentTarget);
  const names = /** @type {HTMLElement[]} */ ([...body.querySelectorAll(".row-name")]);
  const here = names.findIndex((name) => name.closest("tr")?.contains(/** @type {Node} */ (event.target)));
  const step = /** @type {Record<string, number>} */ ({
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: 10,
    PageUp: -10,
    Home: -names.length,
    End: names.length,
  })[event.key];
  if (step === undefined || here < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const next = names[Math.min(Math.max(here + step, 0), names.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** @param {number[]} items @param {(i: number) => number} value */
const sum = (items, value) => items.reduce((total, i) => total + value(i), 0);
