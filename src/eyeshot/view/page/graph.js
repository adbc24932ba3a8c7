// The network as nested modules: each level a list in running order, with lanes for the tensors between. Modules open
// in place. Nothing is laid out but lanes, so that a thousand nodes take no longer than their rows.

import { fill, h, withData } from "./dom.js";
import { gutter } from "./gutter.js";
import { lanes } from "./lanes.js";
import { NONE, fieldSize, short, shortened, times } from "./words.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./network.js").Design} Design */
/**
 * @typedef {{path: string, name: string, layers: number[], isModule: boolean, depth: number, isOpen: boolean}} Entry
 */

const LOOK = { space: 16, high: 32, most: 12, dot: 5 };
const CHUNK = 200;

/** @param {{pick: (layer: number) => void}} actions */
export function graphPanel(actions) {
  const list = h("ol", { class: "graph" });
  const root = h(
    "div",
    { class: "graph-tab" },
    h(
      "p",
      { class: "hint" },
      "In running order, from the image down. A line is a tensor that is still to be read, a dashed one a gate or " +
        "statistic; filled circles lie on the selected unit’s way to the image. ▸ opens a module.",
    ),
    list,
  );
  /** @type {Set<string>} */
  let opened = new Set();
  let key = "";
  /** @type {View} */
  let current;

  /** @param {View} view */
  function update(view) {
    current = view;
    const nextKey = `${view.state.design} ${view.state.edits}`;
    if (nextKey !== key) {
      if (key.split(" ")[0] !== nextKey.split(" ")[0]) opened = new Set();
      key = nextKey;
      reveal(view);
      rebuild();
    } else if (!view.isPreview && reveal(view)) rebuild();
    mark();
  }

  /** Open the modules around the selected layer. @param {View} view @returns {boolean} */
  function reveal(view) {
    const size = opened.size;
    for (let entries = entriesOf(view.design, opened); ;) {
      const around = entries.find((each) => each.isModule && !each.isOpen && each.layers.includes(view.at));
      if (!around) return opened.size > size;
      opened.add(around.path);
      entries = entriesOf(view.design, opened);
    }
  }

  function rebuild() {
    const { design } = current;
    const entries = entriesOf(design, opened);
    const shown = entries.filter((each) => !each.isOpen);
    const inputs = inputsOf(shown, design);
    const { rows, width } = lanes(inputs.map((each) => each.map(([row]) => row)));
    const places = new Map(shown.map((each, i) => [each, i]));
    let count = 0;
    let next = 0;
    fill(list);
    const make = () => {
      const part = entries.slice(count, count + CHUNK);
      list.append(
        ...part.map((entry) => {
          const at = places.get(entry);
          if (at !== undefined) next = at + 1;
          return item(entry, at, next, rows, inputs, width);
        }),
      );
      count += CHUNK;
      if (count < entries.length) setTimeout(make, 0);
      else mark();
    };
    make();
  }

  /**
   * One row; an open module's own has the lanes that pass to the next.
   * @param {Entry} entry @param {number | undefined} at @param {number} next @param {import("./lanes.js").Row[]} rows
   * @param {Array<Array<[number, boolean]>>} inputs @param {number} width
   */
  function item(entry, at, next, rows, inputs, width) {
    const { design } = current;
    const output = design.modules.get(entry.path.split("@")[0]) ?? -1;
    const isOutput = entry.isModule && entry.layers.includes(output);
    const last = isOutput ? output : entry.layers[entry.layers.length - 1];
    const node = design.nodes[last];
    const drawn =
      at === undefined
        ? gutter(LOOK, rows[next], width, { isBetween: true })
        : gutter(LOOK, rows[at], width, { gates: new Set(rows[at].from.filter((_, i) => inputs[at][i]?.[1])) });
    const indent = h("span", { class: "indent", "--depth": entry.depth });
    const toggle = () => {
      if (opened.has(entry.path)) opened.delete(entry.path);
      else opened.add(entry.path);
      rebuild();
      withData(list, "path", entry.path)?.focus();
    };
    const macs = entry.layers.reduce((n, i) => n + design.nodes[i].macs, 0);
    const label = entry.isModule
      ? [
          h(
            "button",
            {
              type: "button",
              class: "opener",
              "data-path": entry.path,
              "aria-expanded": String(entry.isOpen),
              onclick: toggle,
              title: entry.path,
            },
            h("span", { "aria-hidden": "true" }, entry.isOpen ? "▾ " : "▸ "),
            shortened(entry.name),
          ),
          h("span", { class: "muted" }, ` ${entry.layers.length} layers`),
        ]
      : [
          h(
            "button",
            { type: "button", class: "row-name", title: node.name, onclick: () => actions.pick(last) },
            shortened(entry.name),
          ),
          h("span", { class: "muted" }, ` ${node.words}`),
        ];
    return h(
      "li",
      { "data-layers": entry.isOpen ? "" : entry.layers.join(" "), class: entry.isModule ? "module" : null },
      drawn,
      indent,
      h("span", { class: "graph-name" }, label),
      entry.isOpen
        ? null
        : h(
            "span",
            { class: "graph-facts" },
            `${times(node.shape.slice(1)) || NONE} · sees ${fieldSize(node.field)}${macs ? ` · ${short(macs)} MACs` : ""}`,
          ),
    );
  }

  function mark() {
    for (const row of /** @type {HTMLCollectionOf<HTMLElement>} */ (list.children)) {
      const layers = (row.dataset.layers ?? "").split(" ").filter(Boolean).map(Number);
      row.toggleAttribute("data-on", layers.includes(current.at));
      row.toggleAttribute(
        "data-way",
        layers.some((i) => current.marks[i]?.length),
      );
    }
  }
  return { root, update };
}

/**
 * Rows of the graph: modules, and the contents of those that are open. A module that others interrupt is shown in
 * parts.
 * @param {Design} design @param {Set<string>} opened @returns {Entry[]}
 */
function entriesOf(design, opened) {
  const all = design.nodes.map((_, i) => i).filter((i) => i !== design.input);
  return inside(all, "", 0);

  /** @param {number[]} layers @param {string} prefix @param {number} depth @returns {Entry[]} */
  function inside(layers, prefix, depth) {
    /** @type {Array<{part: string, layers: number[]}>} */
    const runs = [];
    for (const i of layers) {
      const part = headOf(design.nodes[i].name, prefix);
      const last = runs[runs.length - 1];
      if (
        last &&
        last.part === part &&
        isDeeper(design.nodes[i].name, prefix, part) === isDeeper(design.nodes[last.layers[0]].name, prefix, part)
      )
        last.layers.push(i);
      else runs.push({ part, layers: [i] });
    }
    return runs.flatMap(({ part, layers: members }) => {
      const name = design.nodes[members[0]].name;
      if (members.length === 1 || !isDeeper(name, prefix, part))
        return members.map((i) => ({
          path: design.nodes[i].name,
          name: design.nodes[i].name.slice(prefix.length),
          layers: [i],
          isModule: false,
          depth,
          isOpen: false,
        }));
      const path = `${prefix}${part}@${members[0]}`;
      const isOpen = opened.has(path);
      const head = { path, name: part, layers: members, isModule: true, depth, isOpen };
      return isOpen ? [head, ...inside(members, `${prefix}${part}.`, depth + 1)] : [head];
    });
  }
}

/** @param {string} name @param {string} prefix */
const headOf = (name, prefix) => name.slice(prefix.length).split(".", 1)[0];
/** @param {string} name @param {string} prefix @param {string} part */
const isDeeper = (name, prefix, part) => name.length > prefix.length + part.length;

/**
 * For each row the rows that it reads, and whether as a gate alone.
 * @param {Entry[]} shown @param {Design} design @returns {Array<Array<[number, boolean]>>}
 */
function inputsOf(shown, design) {
  const home = new Map([[design.input, -1]]);
  shown.forEach((entry, row) => entry.layers.forEach((i) => home.set(i, row)));
  return shown.map((entry, row) => {
    /** @type {Map<number, boolean>} */
    const rows = new Map();
    for (const i of entry.layers)
      for (const { source, gate } of design.nodes[i].reads) {
        const from = home.get(source);
        if (from !== undefined && from < row) rows.set(from, (rows.get(from) ?? true) && gate);
      }
    return [...rows].sort((a, b) => a[0] - b[0]);
  });
}
