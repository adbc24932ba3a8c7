// The lesson: an article that is whole without scripts, and one stage on which the designs of its steps are tried.

import { chip, chips } from "./controls.js";
import { costPanel } from "./cost.js";
import { fill, h } from "./dom.js";
import { edited } from "./edit.js";
import { estimator } from "./estimate.js";
import { fieldTab } from "./fieldtab.js";
import { designFrom } from "./network.js";
import { actionsOf, inside } from "./selection.js";
import { sentencePanel } from "./sentence.js";
import { startOf } from "./state.js";
import { steppersPanel } from "./steppers.js";
import { tabsOf } from "./tabs.js";
import { viewOf } from "./view.js";
import { whyPanel } from "./why.js";

/** @typedef {import("./state.js").State} State */

/**
 * The stage: one selection of one design, shown as the explorer page shows it.
 * @param {{designs: import("./document.js").DesignEntry[]}} page
 */
function stageOf(page) {
  const designs = page.designs.map(designFrom);
  /** @type {State} */
  let state = startOf(designs, 0, "field");
  /** @type {Partial<State> | null} */
  let preview = null;
  let isDue = false;
  let tried = { key: "", design: designs[0] };

  /** @param {number} at @param {string} edits */
  function designAt(at, edits) {
    const key = `${at} ${edits}`;
    if (tried.key !== key) tried = { key, design: edits ? edited(designs[at], edits) : designs[at] };
    return tried.design;
  }
  /** @param {State} of */
  const designOf = (of) => designAt(of.design, of.edits);
  /** @param {Partial<State>} change */
  function set(change) {
    const next = { ...state, ...change };
    state = inside(next, designOf(next));
    preview = null;
    due();
  }
  /** @param {Partial<State> | null} change */
  function look(change) {
    if (!change && !preview) return;
    preview = change;
    due();
  }
  function due() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      render();
    });
  }
  const actions = {
    ...actionsOf(() => state, set, look, designAt),
    choose: (/** @type {number} */ design) => set(startOf(designs, design, state.tab)),
  };
  const sentence = sentencePanel();
  const tabs = tabsOf(
    [
      { id: "field", name: "Field", panel: fieldTab(actions, null, steppersPanel(actions, designs)) },
      { id: "cost", name: "Cost", panel: costPanel(actions) },
      { id: "why", name: "Why", panel: whyPanel(actions) },
    ],
    (tab) => set({ tab }),
  );
  const root = h("div", { class: "stage" }, sentence.root, tabs.root);
  const estimate = estimator(due);

  function render() {
    const shown = preview ? { ...state, ...preview } : state;
    const view = viewOf(shown, designOf(shown), preview !== null, (design, at, unit) =>
      estimate(design, `${state.design} ${state.edits}`, at, unit),
    );
    sentence.update(view);
    tabs.update(view);
  }
  return {
    root,
    designs,
    get state() {
      return state;
    },
    set,
    choose: actions.choose,
  };
}

/**
 * A step's buttons, one a design; the pressed one has the stage below it.
 * @param {HTMLElement} slot @param {ReturnType<typeof stageOf>} stage @param {() => void} changed
 */
function slotOf(slot, stage, changed) {
  /** @type {Array<{design: number, name: string}>} */
  const choices = JSON.parse(slot.dataset.choices ?? "[]");
  const host = h("div");
  const buttons = choices.map(({ design, name }) => chip(name, () => open(design), { isPressed: false }));
  fill(slot, h("h3", null, "Try it"), chips("Design to try", "chips", buttons), host);
  slot.hidden = false;
  /** @param {number} design */
  function open(design) {
    host.append(stage.root);
    stage.choose(design);
    changed();
  }
  function update() {
    choices.forEach(({ design }, i) =>
      buttons[i].setAttribute("aria-pressed", String(stage.state.design === design && host.contains(stage.root))),
    );
  }
  return { open: () => open(choices[0].design), update };
}

/** Start when the document is there; the article stays as it is where that fails. */
function start() {
  const page = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("eyeshot-document")).textContent ?? "");
  const stage = stageOf(page);
  /** @type {Array<{open: () => void, update: () => void}>} */
  const slots = [];
  for (const slot of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choices]"))) {
    slots.push(slotOf(slot, stage, () => slots.forEach((each) => each.update())));
  }
  slots[0]?.open();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage.set({}));
  matchMedia("(forced-colors: active)").addEventListener("change", () => stage.set({}));
  Object.assign(globalThis, { eyeshot: stage });
}

start();
