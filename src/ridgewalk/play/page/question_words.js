// The twelve questions, and where their answers stand; keys as in words.js.

Object.assign(WORDS.en, {
  "questions": "Twelve questions that this page answers",
  "ask-1": "What is one point of the path?", "look-1": "A strength. At each, a network is trained to its end without one fold, for every fold in turn; the point is the mean loss of the rows that were held out, the band its standard error.",
  "ask-2": "Which strength is chosen, and why not the lowest point?", "look-2": "The lowest point is the minimum. 1-SE, further right, is the strongest strength whose held-out loss lies within one standard error of it: chance alone could explain the difference, and the network is simpler.",
  "ask-3": "What would no penalty have done?", "look-3": "Strength 0 stands in a slot of its own at the left. Its training loss is far below its held-out loss: it has learned the rows by heart.",
  "ask-4": "Why not choose by the training loss?", "look-4": "The dotted line only rises with the strength: it would always choose no penalty. The held-out loss falls at first.",
  "ask-5": "Where does the path end, and why there?", "look-5": "At the strength that leaves no weight: the network is a constant, and so are its probabilities. Stronger ones would leave the same.",
  "ask-6": "How many weights does L1 leave?", "look-6": "The network draws only what is not exactly 0. Move the slider, and see links go and come.",
  "ask-7": "Does L2 make exact zeros?", "look-7": "No: every link is still there, only thinner. L2 shrinks weights; it ends none.",
  "ask-8": "How good could any network be?", "look-8": "The dashed line: the classes overlap, and no network's loss can lie below it on fresh rows. The facts above count how often this one is right, and how often one can be.",
  "ask-9": "Does the penalty help, or is it chance?", "look-9": "The sentence below compares the strength that the other folds choose with no penalty, on the same held-out rows. Its 95% interval does not reach 0: for networks of these rows it helps. An interval that also allows for other training rows contains 0: so it says probably.",
  "ask-10": "When can nobody tell?", "look-10": "When the interval holds both a gain and a loss that matter: here 100 rows are too few. The curve's lowest point looks better all the same.",
  "ask-11": "When does it make no difference?", "look-11": "When the whole interval is smaller than what matters: here rows are many enough for the curve, and the weak strengths all fit alike.",
  "ask-12": "What makes a weight exactly 0?", "look-12": "This line. After the step L1 cuts every weight towards 0, by an amount that does not depend on its size, and one that would cross 0 stays there. The gradient alone would step over 0.",
});

Object.assign(WORDS.zh, {
  "questions": "本页回答的十二个问题",
  "ask-1": "路径上的一个点是什么？", "look-1": "一个强度。在每个强度下依次留出一折，把网络训练到底；这个点是留出样本的平均损失，色带是它的标准误。",
  "ask-2": "选择哪个强度？为什么不是最低点？", "look-2": "最低点就是最小值。更靠右的 1-SE 是留出损失与它相差不超过一个标准误的最大强度：这点差别可能只是偶然，而网络更简单。",
  "ask-3": "不用正则化会怎样？", "look-3": "强度 0 单独位于最左边。它的训练损失远低于留出损失：它把样本背了下来。",
  "ask-4": "为什么不按训练损失选择？", "look-4": "点线随强度只升不降：按它总会选择不用正则化。而留出损失起初是下降的。",
  "ask-5": "路径在哪里结束，为什么在那里？", "look-5": "在一个权重也不剩的强度：网络成为常数，预测的概率处处相同。更大的强度结果一样。",
  "ask-6": "L1 留下多少权重？", "look-6": "网络图只画不恰好为 0 的权重。移动滑块，看连接消失和出现。",
  "ask-7": "L2 会产生恰好为 0 的权重吗？", "look-7": "不会：每条连接都还在，只是变细。L2 缩小权重，但不会使它归零。",
  "ask-8": "任何网络最好能到什么程度？", "look-8": "看虚线：各类别有重叠，没有网络在新样本上的损失能低于它。上方的数字是这个网络的正确率，以及能达到的上限。",
  "ask-9": "正则化真的有用，还是偶然？", "look-9": "下面的句子在同样的留出样本上，比较其他各折所选的强度与不用正则化。95% 区间没有碰到 0：对这些样本训练的网络，它有用。把训练样本的变化也算进去的区间含 0，所以说“很可能”。",
  "ask-10": "什么时候无法判断？", "look-10": "当区间既包含有意义的改善，也包含有意义的变差：这里 100 个样本太少。而曲线的最低点看上去仍然更好。",
  "ask-11": "什么时候没有差别？", "look-11": "当整个区间都小于有意义的差别：这里样本对曲线来说足够多，各个小强度的拟合都差不多。",
  "ask-12": "是什么使权重恰好为 0？", "look-12": "就是这一行。走完一步之后，L1 把每个权重向 0 削减，削减的量与权重大小无关，会越过 0 的就停在 0。单凭梯度只会越过 0。",
});
