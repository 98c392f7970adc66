// The playground itself: the state of its link.

startPlay().catch((error) => {
  at("trouble").hidden = false;
  at("trouble").textContent = say("broken", { message: error.message });
});
