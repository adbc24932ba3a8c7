// Tabs by the ARIA pattern: one tab stop, arrow keys between tabs, the panel of the chosen tab alone in the page.

import { h } from "./dom.js";

/** @typedef {import("./view.js").View} View */

/**
 * @param {Array<{id: string, name: string, panel: {root: HTMLElement, update: (view: View) => void}}>} entries
 * @param {(id: string) => void} choose
 */
export function tabsOf(entries, choose) {
  const buttons = entries.map(({ id, name }) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${id}`,
        "aria-controls": `panel-${id}`,
        "aria-selected": "false",
        tabindex: "-1",
        onclick: () => choose(id),
      },
      name,
    ),
  );
  const panels = entries.map(({ id, panel }) =>
    h(
      "div",
      { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, hidden: true, class: "panel" },
      panel.root,
    ),
  );
  const list = h(
    "div",
    {
      role: "tablist",
      "aria-label": "Views",
      class: "tabs",
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const here = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
        const next = /** @type {Record<string, number>} */ ({
          ArrowRight: here + 1,
          ArrowLeft: here - 1,
          Home: 0,
          End: buttons.length - 1,
        })[event.key];
        if (next === undefined || here < 0) return;
        event.preventDefault();
        const at = (next + buttons.length) % buttons.length;
        buttons[at].focus();
        choose(entries[at].id);
      },
    },
    buttons,
  );
  const root = h("section", { class: "views", "aria-label": "Views of the selection" }, list, panels);
  /** @param {View} view */
  function update(view) {
    entries.forEach(({ id, panel }, i) => {
      const isOn = id === view.state.tab;
      buttons[i].setAttribute("aria-selected", String(isOn));
      buttons[i].setAttribute("tabindex", isOn ? "0" : "-1");
      panels[i].hidden = !isOn;
      if (isOn) panel.update(view);
    });
  }
  return { root, update };
}
