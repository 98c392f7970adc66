// A reader's own table: text of a file becomes columns, and columns become numbers. Every name in it stays text.
// Long work is done in slices, so that the page goes on meanwhile. What is wrong is an Error whose message is a key of WORDS and values.

const MOST_BYTES = 64e6, MOST_TABLE_ROWS = 20000, MOST_INPUTS = 200, MOST_LEVELS = 12, MOST_CLASSES = 20;
const MISSING = new Set(["", "na", "n/a", "nan", "null", "none", "?", "-"]);
const breath = () => new Promise((resolve) => setTimeout(resolve, 0));

class TableError extends Error {
  constructor(key, values = {}) {
    super(key);
    this.values = values;
  }
}

/** Decode a file's bytes: UTF-8, UTF-16 where it begins so, else Windows-1252. */
function decoded(bytes) {
  if (bytes.length > MOST_BYTES) throw new TableError("csv-large", { size: Math.round(bytes.length / 1e6) });
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : null;
  if (wide) return new TextDecoder(wide).decode(bytes);
  if (bytes.subarray(0, 4096).includes(0)) throw new TableError("csv-binary");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Choose what parts the fields: what stands most often in the first line, outside quotes. */
function separatorOf(text) {
  const counts = new Map([[",", 0], [";", 0], ["\t", 0], ["|", 0]]);
  let quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (letter === "\n" && !quoted) break;
    else if (!quoted && counts.has(letter)) counts.set(letter, counts.get(letter) + 1);
  }
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** Read text as rows of fields: quotes may hold separators, line ends and doubled quotes. */
async function fieldsOf(text, separator) {
  const rows = [];
  let row = [], k = 0, until = performance.now() + 10, line = 1;
  const end = text.length;
  const close = () => {
    if (row.length > 1 || row[0]) rows.push(row);
    row = [];
  };
  while (k < end) {
    if (text[k] === '"') {
      const began = line;
      let field = "", from = k + 1;
      for (;;) {
        const at = text.indexOf('"', from);
        if (at < 0) throw new TableError("csv-quote", { line: began });
        field += text.slice(from, at);
        if (text[at + 1] !== '"') { k = at + 1; break; }
        field += '"';
        from = at + 2;
      }
      row.push(field);
      if (k < end && text[k] !== separator && text[k] !== "\n" && text[k] !== "\r") throw new TableError("csv-quote", { line: began });
    } else {
      let to = k;
      while (to < end && text[to] !== separator && text[to] !== "\n" && text[to] !== "\r") ++to;
      row.push(text.slice(k, to).trim());
      k = to;
    }
    if (k >= end) break;
    if (text[k] === separator) {
      ++k;
      if (k >= end) row.push("");
      continue;
    }
    if (text[k] === "\r" && text[k + 1] === "\n") ++k;
    ++k;
    ++line;
    close();
    if (performance.now() > until) { await breath(); until = performance.now() + 10; }
  }
  close();
  return rows;
}

/** Read the bytes of a file as a table: {names, columns: one array of texts each, rows, of}; `of` counts the rows of the file. */
async function readTable(bytes) {
  const text = decoded(bytes).replace(/^\ufeff/, "");
  if (!text.trim()) throw new TableError("csv-empty");
  const rows = await fieldsOf(text, separatorOf(text)), head = rows.shift();
  if (head.length < 2) throw new TableError("csv-one-column");
  const wrong = rows.findIndex((row) => row.length !== head.length);
  if (wrong >= 0) throw new TableError("csv-ragged", { row: wrong + 2, found: rows[wrong].length, expected: head.length });
  if (rows.length < 20) throw new TableError("csv-short", { rows: rows.length });
  const seen = new Map(), names = head.map((name, k) => {
    const plain = name || `#${k + 1}`, times = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, times);
    return times > 1 ? `${plain} (${times})` : plain;
  });
  const step = Math.max(1, rows.length / MOST_TABLE_ROWS), count = Math.min(rows.length, MOST_TABLE_ROWS);
  const kept = Array.from({ length: count }, (_, k) => rows[Math.floor(k * step)]);
  const columns = [];
  for (let k = 0; k < names.length; ++k) {
    columns.push(kept.map((row) => row[k]));
    if (k % 4 === 3) await breath();
  }
  return { names, columns, rows: count, of: rows.length };
}

const isMissing = (field) => MISSING.has(field.toLowerCase());
const asNumber = (field) => {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(field)) return Number(field);
  return /^[+-]?\d+,\d+$/.test(field) ? Number(field.replace(",", ".")) : NaN;
};

/** Describe a column: its numbers (NaN where missing), or null where it holds words; and how many values differ. */
function describe(fields) {
  const numbers = new Float64Array(fields.length), values = new Map();
  let numeric = true, there = 0;
  fields.forEach((field, row) => {
    if (isMissing(field)) return void (numbers[row] = NaN);
    ++there;
    values.set(field, (values.get(field) ?? 0) + 1);
    if (numeric && !Number.isFinite((numbers[row] = asNumber(field)))) numeric = false;
  });
  return { numbers: numeric && there ? numbers : null, values, there };
}

/** Encode a table for a target: a problem's x and target, the names of its inputs, and notes on what became of columns. */
async function encodeTable(table, target) {
  const goal = describe(table.columns[target]), notes = [];
  const order = [...goal.values].sort((a, b) => b[1] - a[1]).map(([value]) => value);
  const isNumber = goal.numbers !== null && goal.values.size > 10;
  if (goal.values.size < 2) throw new TableError("csv-constant", { name: table.names[target] });
  if (!isNumber && goal.values.size > MOST_CLASSES) throw new TableError("csv-classes", { name: table.names[target], found: goal.values.size, most: MOST_CLASSES });
  const use = [];
  table.columns[target].forEach((field, row) => { if (!isMissing(field)) use.push(row); });
  if (use.length < table.rows) notes.push(["csv-no-target", { rows: table.rows - use.length }]);
  if (use.length < 20) throw new TableError("csv-short", { rows: use.length });
  const inputs = [], names = [], columnOf = [];
  const add = (values, name, column) => {
    if (inputs.length >= MOST_INPUTS) return;
    inputs.push(values);
    names.push(name);
    columnOf.push(column);
  };
  for (let column = 0; column < table.names.length; ++column) {
    if (column === target) continue;
    addColumn(table, column, use, add, notes);
    await breath();
  }
  if (!inputs.length) throw new TableError("csv-no-inputs");
  if (inputs.length >= MOST_INPUTS) notes.push(["csv-many-inputs", { most: MOST_INPUTS }]);
  const rows = use.length, columns = inputs.length, x = new Float64Array(rows * columns);
  for (let k = 0; k < columns; ++k) for (let row = 0; row < rows; ++row) x[row * columns + k] = inputs[k][row];
  const made = { x, rows, columns, names, columnOf, columnNames: table.names, target: table.names[target], notes };
  if (isNumber) return { ...made, numbers: Float64Array.from(use, (row) => goal.numbers[row]) };
  const number = new Map(order.map((value, c) => [value, c]));
  return { ...made, classes: Int32Array.from(use, (row) => number.get(table.columns[target][row])), classCount: order.length, classNames: order };
}

function addColumn(table, column, use, add, notes) {
  const fields = table.columns[column], { numbers, values, there } = describe(fields), name = table.names[column];
  if (values.size < 2) return notes.push(["csv-left-constant", { name }]);
  if (numbers) {
    const known = use.map((row) => numbers[row]).filter(Number.isFinite), mean = known.reduce((a, b) => a + b, 0) / (known.length || 1);
    add(use.map((row) => (Number.isFinite(numbers[row]) ? numbers[row] : mean)), name, column);
    if (known.length < use.length) add(use.map((row) => Number(!Number.isFinite(numbers[row]))), `${name} = ∅`, column);
    return undefined;
  }
  if (values.size > 0.5 * there && values.size > 20) return notes.push(["csv-left-names", { name }]);
  const levels = [...values].sort((a, b) => b[1] - a[1]).slice(0, MOST_LEVELS).map(([value]) => value);
  for (const level of levels.slice(values.size === levels.length ? 1 : 0)) add(use.map((row) => Number(fields[row] === level)), `${name} = ${level}`, column);
  return undefined;
}
