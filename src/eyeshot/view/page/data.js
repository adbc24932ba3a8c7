// The numbers themselves: of the selected unit, of the ledger, and the whole document.

import { csv } from "./csv.js";
import { fill, h } from "./dom.js";
import { bands } from "./network.js";
import { unitName } from "./view.js";

/** @typedef {import("./document.js").PageDocument} PageDocument */
/** @typedef {import("./view.js").View} View */

/** @param {PageDocument} page */
export function dataPanel(page) {
  const text = h("pre", { class: "code", tabindex: "0", "aria-label": "The selected unit as JSON" });
  const links = h("p", { class: "chips" });
  const source = h("p", { class: "hint" });
  const root = h(
    "div",
    { class: "data-tab" },
    links,
    h("h2", null, "The selected unit"),
    text,
    h("h2", null, "The same from a shell"),
    h("pre", { class: "code", tabindex: "0", "aria-label": "Commands" }, source),
    notes(page),
  );
  /** @type {string[]} */
  let urls = [];
  /** @param {View} view */
  function update(view) {
    const document = unitDocument(view);
    text.textContent = JSON.stringify(document, null, 1).replace(/\[\s+(-?\d+),\s+(-?\d+)\s+\]/g, "[$1, $2]");
    const { typed: name } = view.design.entry;
    const shape = view.design.nodes[view.design.input].shape.slice(1).join("x");
    const unit = view.layer.places
      .flatMap((place, axis) => (place === null ? [] : [[place, view.state.unit[axis]]]))
      .sort((a, b) => a[0] - b[0])
      .map(([, n]) => n);
    const at = unit.length ? ` --at ${unit.join()}` : "";
    source.textContent = [
      `eyeshot field ${quoted(name)} ${quoted(view.layer.name)}${at} --input ${shape}`,
      `eyeshot why ${quoted(name)} ${quoted(view.layer.name)} --input ${shape}`,
      `eyeshot show ${quoted(name)} --input ${shape} --all --csv`,
    ].join("\n");
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [];
    fill(
      links,
      download("unit.json", JSON.stringify(document), "application/json", "this unit, JSON"),
      download("layers.csv", csv(view.design), "text/csv", "all layers, CSV"),
      download("page.json", JSON.stringify(page), "application/json", "everything, JSON"),
    );
  }
  /** @param {string} name @param {string} content @param {string} type @param {string} words */
  function download(name, content, type, words) {
    const url = URL.createObjectURL(new Blob([content], { type }));
    urls.push(url);
    return h("a", { class: "chip", href: url, download: name }, words);
  }
  return { root, update };
}

/** @param {View} view */
function unitDocument(view) {
  const boxes = bands(view.seen).flatMap(rectangles);
  if (view.state.point) return { pixel: view.state.point, layer: view.layer.name, design: view.design.name };
  return {
    schema: "eyeshot.field/1",
    layer: view.layer.name,
    unit: view.state.unit,
    name: unitName(view),
    paths: view.state.gates ? "all" : "data path",
    clipped: view.box ?? view.design.extent.map(() => [0, -1]),
    global: view.count === view.pixels,
    exact: !view.field.bound,
    footprint: { count: view.count, boxes },
  };
}

/** A product as boxes. @param {number[][]} product @returns {number[][][]} */
function rectangles(product) {
  return product.reduce(
    (/** @type {number[][][]} */ heads, set) =>
      heads.flatMap((head) => {
        const ends = [];
        for (let i = 0; i < set.length; i += 2) ends.push([...head, [set[i], set[i + 1]]]);
        return ends;
      }),
    [[]],
  );
}

/** @param {string} word */
const quoted = (word) => (/^[\w.:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** @param {PageDocument} page */
function notes(page) {
  const items = page.designs.flatMap((design) =>
    design.notes.map((note) => h("li", null, `${design.name}${note.layer ? `, ${note.layer}` : ""}: ${note.text}`)),
  );
  return [
    items.length ? [h("h2", null, "Notes"), h("ul", null, items)] : null,
    h(
      "p",
      { class: "hint" },
      `Made by eyeshot ${page.version}; the document’s schema is ${page.schema}. Sizes are unclipped, as on an ` +
        "endless image; pixel ranges are inclusive and count from 0.",
    ),
  ];
}
