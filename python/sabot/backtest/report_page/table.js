// A table that sorts by any column, shows so many rows at first, and can be walked through with the arrow keys.

// columns: { name, label, hint, number, values, format, className, cell }; `values` by row, a number from 0 on.
// options: caption, columns, rows, sort: [name, descending], first: rows shown at first, onpick(row), pickable: name
class SortedTable {
  constructor(options) {
    Object.assign(this, options);
    this.shownMax = options.first ?? Infinity;
    this.picked = null;
    this.headers = options.columns.map((column) => this.#header(column));
    this.body = html("tbody", { onkeydown: (event) => this.#key(event) });
    const head = html("thead", {}, html("tr", {}, this.headers));
    const caption = html("caption", {}, options.caption);
    this.more = html("button", { type: "button", class: "more", onclick: () => this.#showMore() });
    this.region = html(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": options.caption },
      html("table", {}, caption, head, this.body),
    );
    this.element = html("div", { class: "table" }, this.region, this.more);
    this.draw();
  }

  // Other rows, such as those that a filter leaves.
  show(rows) {
    this.rows = rows;
    this.draw();
  }

  pick(row) {
    this.picked = row;
    for (const line of this.body.rows) {
      if (Number(line.dataset.row) === row) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }

  sorted() {
    const [name, descending] = this.sort;
    const { values, number } = this.columns.find((column) => column.name === name);
    const missing = (value) => value === null || value === undefined || value === "";
    return [...this.rows].sort((a, b) => {
      const [left, right] = [values[a], values[b]];
      if (missing(left) || missing(right)) return missing(left) - missing(right) || a - b;
      const order = number ? left - right : String(left).localeCompare(String(right), "en", { numeric: true });
      return (descending ? -order : order) || a - b;
    });
  }

  draw() {
    const rows = this.sorted();
    this.columns.forEach((column, index) => {
      const [name, descending] = this.sort;
      if (column.name === name) this.headers[index].setAttribute("aria-sort", descending ? "descending" : "ascending");
      else this.headers[index].removeAttribute("aria-sort");
    });
    this.body.replaceChildren(...rows.slice(0, this.shownMax).map((row) => this.#line(row)));
    this.more.hidden = rows.length <= this.shownMax;
    const shown = fixed(Math.min(this.shownMax, rows.length), 0);
    this.more.textContent = `Show more: ${shown} of ${fixed(rows.length, 0)} rows are shown`;
    this.pick(this.picked);
  }

  #header(column) {
    if (!column.values)
      return html("th", { scope: "col", class: column.className }, html("span", { class: "unsorted" }, column.label));
    const sort = () => {
      const [name, descending] = this.sort;
      this.sort = [column.name, column.name === name ? !descending : Boolean(column.number)];
      this.draw();
    };
    const button = html("button", { type: "button", title: column.hint, onclick: sort }, column.label);
    return html("th", { scope: "col", class: `${column.number ? "number " : ""}${column.className ?? ""}` }, button);
  }

  #line(row) {
    const onclick = this.onpick ? () => window.getSelection().toString() || this.onpick(row) : null;
    return html(
      "tr",
      { "data-row": row, onclick, class: this.rowClass?.(row) },
      this.columns.map((column) => this.#cell(column, row)),
    );
  }

  #cell(column, row) {
    if (column.cell) return html("td", { class: column.className }, column.cell(row));
    const value = column.values[row];
    const text = column.format ? column.format(value) : (value ?? "");
    if (column.name === this.pickable) {
      const onclick = (event) => {
        event.stopPropagation();
        this.onpick(row);
      };
      return html(
        "th",
        { scope: "row", class: column.className },
        html("button", { type: "button", class: "pick", onclick }, text),
      );
    }
    const name =
      `${column.number ? "number " : ""}${column.signed ? sign(value) : ""} ${column.className ?? ""}`.trim();
    return html("td", { class: name || null }, text);
  }

  #key(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const target = step && event.target.closest("tr")?.[step]?.querySelector("button.pick");
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  #showMore() {
    this.shownMax += Math.max(this.first ?? 0, 200);
    this.draw();
  }
}
