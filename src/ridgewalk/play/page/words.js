// What the page says, in English and Chinese; {names} are filled in, and always set as text.

const WORDS = {
  en: {
    "title": "Regularization, live", "lead": "Every strength of a penalty at once, on a neural network that trains in your browser.", "privacy": "Nothing leaves this page: it makes no request, and your data stay on your machine.", "lessons": "New to this? Eight lessons: ridgewalk play --lessons.",
    "copy-link": "Copy link", "copied": "Copied", "language": "中文", "settings": "Settings", "reset": "Reset all",
    "group-data": "Data", "group-network": "Network", "group-penalty": "Penalty", "group-training": "Training", "group-validation": "Validation",
    "spiral": "Spiral", "moons": "Moons", "rings": "Rings", "xor": "XOR", "waves": "Waves", "csv": "Your CSV",
    "csv-choose": "Choose a CSV file", "csv-drop": "or drop it anywhere on the page: to 20,000 rows, numbers and categories, the first line names the columns.", "csv-target": "Predict", "csv-reading": "Reading {name} …",
    "csv-read": "{name}: {rows} rows, {columns} inputs.", "csv-part": "{name}: {rows} of {of} rows, evenly spread; {columns} inputs.",
    "rows": "Rows", "noise": "Noise", "draw": "New draw", "layers": "Hidden layers", "units": "Units of layer {k}", "activation": "Activation",
    "penalty": "Penalty", "l1": "L1 (lasso)", "l2": "L2 (ridge)", "mix": "Mix of L1 and L2", "group_lasso": "Group lasso (inputs)", "mcp": "MCP (first layer)", "group_mcp": "Group MCP (inputs)",
    "mix-share": "Share of L1", "factor": "Weight of layer {k}", "bias": "Penalty on biases", "free-layer": "A layer at 0 is free: a ReLU network shrinks the others and grows that one, and computes the same.",
    "optimizer": "Optimizer", "rate": "Learning rate", "momentum": "Momentum", "epochs": "Epochs", "batch": "Rows a step (0: all)", "folds": "Folds", "starts": "Starts", "strengths": "Strengths",
    "soft": "goes on from the weights while it trains; all else starts anew", "soft-badge": "(while it trains)",
    "train": "Train", "pause": "Pause", "restart": "Restart", "step": "One epoch", "view": "Show", "speed": "Epochs a second", "fastest": "fastest", "view-path": "The path's network", "view-live": "Live training",
    "strength": "Strength", "minimum": "minimum", "no-penalty": "no penalty", "held-out": "held-out loss", "training": "training loss", "zeros": "zeros", "weights": "weights left", "living": "units left", "epoch": "epoch", "penalty-value": "penalty", "fresh": "right on fresh rows", "fresh-error": "squared error, fresh rows", "of-most": "{value} of at most {most}", "of-least": "{value}; noise alone {most}",
    "path-title": "The path: every strength", "path-note": "Held-out loss decides. Click or drag to choose a strength.", "regions-title": "What it predicts", "fit-title": "The fitted curve", "inputs-title": "Which inputs are left", "inputs-left": "{left} of {all} inputs are left.", "inputs-more": "… and {more} more, in the table", "inputs-column": "input", "inputs-norm": "norm of its weights", "chances-title": "How probable each class is", "chances-label": "Probabilities of the classes over the input at strength {strength}, with the rows.", "network-title": "The network", "course-title": "How it trains", "table": "Table",
    "loss": "loss", "strength-axis": "strength of the penalty (0, then logarithmic)", "epochs-axis": "epochs", "ceiling": "best possible", "former": "before the change",
    "path-label": "Held-out and training loss against the strength. Minimum at strength {minimum}.", "course-label": "Losses and penalty against the epochs of the training that is watched.", "held-out-1se": "held-out loss ± standard error",
    "network-label": "The network: {weights} of {all} weights are not 0; {units} of {all_units} units take part.", "network-now": "{weights} of {all} weights are not 0; {units} of {all_units} units take part.", "network-linear": "{weights} of {all} weights are not 0; no hidden layer.", "network-back": "{back} came back.", "network-part": "The {shown} largest links are drawn.",
    "network-note": "Zeros are gone. Orange: positive; blue, dashed: negative; thicker: larger.", "regions-label": "Decision regions at strength {strength}, over both inputs, with the rows.", "fit-label": "The fitted curve at strength {strength}, with the rows.",
    "held-rows": "held-out row (hollow)", "train-rows": "row", "truth": "truth", "fit": "fit", "boundary": "boundary",
    "shown-path": "Trained to the end on all rows, at strength {strength}.", "shown-live": "Training now without fold 1, at strength {strength}: epoch {epoch}.", "shown-paused": "Paused without fold 1, at strength {strength}: epoch {epoch}.", "shown-waiting": "The path is being trained; its networks come when it is done.",
    "course-note": "Loss and penalty apart: the sum is what training lowers.", "course-units": "In the standardized units of training.", "changed": "a setting changed", "course-empty": "Press Train to watch one network.", "diverged": "It diverged: take a smaller learning rate, then Restart.",
    "busy": "Training: {done} of {total} networks ({share}).", "started-path": "Training begins …", "started": "Starting the engine …", "broken": "The page cannot train ({message}). It needs Chrome or Edge 105, Firefox 121 or Safari 16.4, or a newer one.",
    "left-out": "dropped", "trained-seconds": "{networks} networks in {seconds} s.",
    "csv-large": "The file has {size} MB, at most 64 are read: leave some rows or columns out.", "csv-binary": "This is no text file: save the table as CSV first.", "csv-empty": "The file is empty: choose one with a line of names and rows below it.", "csv-quote": "A quoted field that begins in line {line} is not closed, or goes on after its closing quote: correct it, and load the file again.", "csv-one-column": "The file has one column, and two are needed, an input and a target: are its fields parted by commas, semicolons or tabs?", "csv-ragged": "Row {row} has {found} fields, and the first line names {expected}: give every row as many.", "csv-short": "{rows} rows are too few: at least 20 with a target are needed.", "csv-constant": "Column {name} has one value only: choose another target.", "csv-classes": "Column {name} has {found} classes, at most {most} are taken: choose another target.", "csv-no-inputs": "No column is left to learn from: the others are constant, or name the rows.", "csv-no-target": "{rows} rows without a target are left out.", "csv-left-constant": "{name} is constant: left out.", "csv-left-names": "{name} seems to name the rows: left out.", "csv-many-inputs": "The first {most} inputs are taken.", "csv-unreadable": "The file could not be read: choose it again.",
    "verdict-probably helps": "The penalty probably helps: the held-out loss changes by {mean} ({low} to {high}). {careful}", "verdict-probably helps somewhat": "The penalty probably helps somewhat: the held-out loss changes by {mean} ({low} to {high}). {careful}", "verdict-probably does not help": "The penalty probably does not help here: the held-out loss changes by {mean} ({low} to {high}). {careful}", "careful": "An interval that also allows for other training rows contains 0: {low} to {high}.", "verdict-helps": "Yes, the penalty helps: the held-out loss changes by {mean} ({low} to {high}).", "verdict-helps somewhat": "The penalty helps somewhat: the held-out loss changes by {mean} ({low} to {high}).", "verdict-no difference": "The penalty makes no difference here: the held-out loss changes by {mean} ({low} to {high}), less than matters ({smallest}).", "verdict-no penalty": "The penalty makes no difference here: of all strengths the best is 0, no penalty at all.", "verdict-does not help": "The penalty does not help here: the held-out loss changes by {mean} ({low} to {high}).", "verdict-too noisy to tell": "Too noisy to tell: the held-out loss changes by {mean}, but anything from {low} to {high} fits. More rows, or more starts, would tell.", "verdict-no signal": "No signal: no strength predicts held-out rows better than a constant does.", "verdict-not converged": "Not converged: train for more epochs, or at another rate, before judging the penalty.",
  },
  zh: {
    "title": "正则化，实时演示", "lead": "在浏览器里训练神经网络，一次看清所有正则化强度。", "privacy": "本页不发出任何请求，数据始终留在您的设备上。", "lessons": "初次接触？八节短课：ridgewalk play --lessons。",
    "copy-link": "复制链接", "copied": "已复制", "language": "English", "settings": "设置", "reset": "全部重置",
    "group-data": "数据", "group-network": "网络", "group-penalty": "正则化", "group-training": "训练", "group-validation": "交叉验证",
    "spiral": "螺旋", "moons": "月牙", "rings": "圆环", "xor": "异或", "waves": "波形回归", "csv": "自己的 CSV",
    "csv-choose": "选择 CSV 文件", "csv-drop": "或将文件拖到页面任意处：至多 20,000 行，支持数值列和类别列，首行为列名。", "csv-target": "预测目标", "csv-reading": "正在读取 {name} …",
    "csv-read": "{name}：{rows} 个样本，{columns} 个输入。", "csv-part": "{name}：从 {of} 行中均匀选取 {rows} 个样本；{columns} 个输入。",
    "rows": "样本数", "noise": "噪声", "draw": "重新抽样", "layers": "隐藏层数", "units": "第 {k} 层单元数", "activation": "激活函数",
    "penalty": "惩罚项", "l1": "L1（lasso）", "l2": "L2（岭）", "mix": "L1 与 L2 混合", "group_lasso": "组 lasso（输入）", "mcp": "MCP（第一层）", "group_mcp": "组 MCP（输入）",
    "mix-share": "L1 占比", "factor": "第 {k} 层的惩罚倍数", "bias": "偏置的惩罚", "free-layer": "倍数为 0 的层不受惩罚：ReLU 网络会缩小其他层、放大这一层，算出的函数不变。",
    "optimizer": "优化器", "rate": "学习率", "momentum": "动量", "epochs": "训练轮数", "batch": "每步样本数（0 为全部）", "folds": "折数", "starts": "初始化次数", "strengths": "强度个数",
    "soft": "可在训练中更改，从当前权重继续；更改其他设置会重新开始", "soft-badge": "（训练中可改）",
    "train": "训练", "pause": "暂停", "restart": "重新开始", "step": "走一轮", "view": "显示", "speed": "每秒轮数", "fastest": "最快", "view-path": "路径上的网络", "view-live": "实时训练",
    "strength": "正则化强度", "minimum": "最小值", "no-penalty": "无正则化", "held-out": "留出损失", "training": "训练损失", "zeros": "零权重", "weights": "剩余权重", "living": "剩余单元", "epoch": "轮", "penalty-value": "惩罚项", "fresh": "新样本上的正确率", "fresh-error": "新样本上的平方误差", "of-most": "{value}，上限 {most}", "of-least": "{value}，噪声本身 {most}",
    "path-title": "正则化路径：所有强度", "path-note": "以留出损失为准。点击或拖动即可选择强度。", "regions-title": "它的预测", "fit-title": "拟合曲线", "inputs-title": "留下了哪些输入", "inputs-left": "{all} 个输入中留下 {left} 个。", "inputs-more": "……还有 {more} 个，见表格", "inputs-column": "输入", "inputs-norm": "权重的范数", "chances-title": "各类别的概率", "chances-label": "强度 {strength} 下各类别的概率随输入的变化，以及样本。", "network-title": "网络", "course-title": "训练过程", "table": "表格",
    "loss": "损失", "strength-axis": "正则化强度（0，其后为对数刻度）", "epochs-axis": "训练轮数", "ceiling": "理论最优", "former": "更改之前",
    "path-label": "留出损失和训练损失随正则化强度的变化。最小值在强度 {minimum} 处。", "course-label": "正在观察的训练：损失和惩罚项随训练轮数的变化。", "held-out-1se": "留出损失 ± 标准误",
    "network-label": "网络：{all} 个权重中 {weights} 个非零；{all_units} 个单元中 {units} 个起作用。", "network-now": "{all} 个权重中 {weights} 个非零；{all_units} 个单元中 {units} 个起作用。", "network-linear": "{all} 个权重中 {weights} 个非零；没有隐藏层。", "network-back": "{back} 个权重重新变为非零。", "network-part": "只画出最大的 {shown} 条连接。",
    "network-note": "零权重不画。橙色为正；蓝色虚线为负；越粗越大。", "regions-label": "强度 {strength} 下两个输入上的决策区域和样本。", "fit-label": "强度 {strength} 下的拟合曲线和样本。",
    "held-rows": "留出样本（空心）", "train-rows": "样本", "truth": "真实函数", "fit": "拟合", "boundary": "边界",
    "shown-path": "用全部样本训练到底，强度 {strength}。", "shown-live": "正在训练（留出第 1 折），强度 {strength}：第 {epoch} 轮。", "shown-paused": "已暂停（留出第 1 折），强度 {strength}：第 {epoch} 轮。", "shown-waiting": "路径正在训练，完成后即可查看其中的网络。",
    "course-note": "损失与惩罚项分开显示：训练降低的是两者之和。", "course-units": "以训练时的标准化单位计。", "changed": "更改了设置", "course-empty": "点击“训练”，观察一个网络。", "diverged": "训练发散了：请减小学习率，然后重新开始。",
    "busy": "训练中：{total} 个网络已完成 {done} 个（{share}）。", "started-path": "训练即将开始 …", "started": "正在启动引擎 …", "broken": "本页无法训练（{message}）。需要 Chrome 或 Edge 105、Firefox 121、Safari 16.4 或更新的版本。",
    "left-out": "已剔除", "trained-seconds": "{networks} 个网络，用时 {seconds} 秒。",
    "csv-large": "文件有 {size} MB，至多读取 64 MB：请删去一些行或列。", "csv-binary": "这不是文本文件：请先将表格另存为 CSV。", "csv-empty": "文件是空的：请选择首行为列名、其下为数据的文件。", "csv-quote": "第 {line} 行开始的引号字段没有正确结束：请改正后重新载入。", "csv-one-column": "文件只有一列，而至少需要一个输入和一个目标：字段是否以逗号、分号或制表符分隔？", "csv-ragged": "第 {row} 行有 {found} 个字段，而首行有 {expected} 个列名：请使每行一致。", "csv-short": "{rows} 个样本太少：至少需要 20 个有目标值的样本。", "csv-constant": "列 {name} 只有一个值：请选择其他目标。", "csv-classes": "列 {name} 有 {found} 个类别，至多 {most} 个：请选择其他目标。", "csv-no-inputs": "没有可用的输入列：其余各列是常数，或只是样本的名称。", "csv-no-target": "略去 {rows} 个没有目标值的样本。", "csv-left-constant": "{name} 是常数：已略去。", "csv-left-names": "{name} 似乎是样本的名称：已略去。", "csv-many-inputs": "只取前 {most} 个输入。", "csv-unreadable": "无法读取文件：请重新选择。",
    "verdict-probably helps": "正则化很可能有用：留出损失变化 {mean}（{low} 至 {high}）。{careful}", "verdict-probably helps somewhat": "正则化很可能有一些用：留出损失变化 {mean}（{low} 至 {high}）。{careful}", "verdict-probably does not help": "正则化在这里很可能没有用：留出损失变化 {mean}（{low} 至 {high}）。{careful}", "careful": "把训练样本的变化也算进去的区间含 0：{low} 至 {high}。", "verdict-helps": "正则化有用：留出损失变化 {mean}（{low} 至 {high}）。", "verdict-helps somewhat": "正则化有一些用：留出损失变化 {mean}（{low} 至 {high}）。", "verdict-no difference": "正则化在这里没有差别：留出损失变化 {mean}（{low} 至 {high}），小于有意义的差别（{smallest}）。", "verdict-no penalty": "正则化在这里没有差别：所有强度中最好的是 0，即不用正则化。", "verdict-does not help": "正则化在这里没有用：留出损失变化 {mean}（{low} 至 {high}）。", "verdict-too noisy to tell": "噪声太大，无法判断：留出损失变化 {mean}，但 {low} 至 {high} 都有可能。需要更多样本或更多初始化。", "verdict-no signal": "没有信号：任何强度对留出样本的预测都不比常数好。", "verdict-not converged": "尚未收敛：请增加训练轮数或更改学习率，再评判正则化。",
  },
};

let language = "en";
function say(key, values = {}) {
  const sentence = WORDS[language][key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Set every text of the page anew: elements name their words in data-say, and labels in data-label. */
function sayAll(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : "en";
  document.title = say("title");
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", say(each.dataset.label));
}
