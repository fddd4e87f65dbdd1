import { EngineChip } from "./engine-chip.ts";
import { FilterView } from "./filter-view.ts";
import { NetworksView } from "./networks/networks-view.ts";
import { Sources } from "./sources.ts";
import { TrainingView } from "./training/training-view.ts";
import { type View, type ViewName, Views } from "./views.ts";
import { Workbench } from "./workbench.ts";

const chip = new EngineChip();
const bench = new Workbench((engine) => chip.introduce(engine));
const sources = new Sources((picture) => {
  bench.picture = picture;
  shown().ask();
});
const views = new Views(() => shown().ask());
const surroundings = (name: ViewName) => ({ bench, chip, sources, isShown: () => views.current === name });
const parts: Readonly<Record<ViewName, View>> = {
  filtering: new FilterView(surroundings("filtering")),
  networks: new NetworksView(surroundings("networks")),
  training: new TrainingView(chip, () => views.current === "training"),
};

await sources.usePhotograph();

function shown(): View {
  return parts[views.current];
}
