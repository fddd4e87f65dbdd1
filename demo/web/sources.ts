import portrait from "../models/face.jpg?url";
import photograph from "../photo.png?url";
import { element } from "./dom.ts";
import { Camera, type Picture, pictureIn, readPicture } from "./picture.ts";

/** Where pictures come from: those that are here, a file, a drop, a paste, the camera. */
export class Sources {
  readonly #show: (picture: Picture) => void;
  readonly #camera = new Camera();
  readonly #note = element("source-note", HTMLElement);
  readonly #cameraButton = element("use-camera", HTMLButtonElement);

  constructor(show: (picture: Picture) => void) {
    this.#show = show;
    element("use-photo", HTMLButtonElement).addEventListener("click", () => void this.usePhotograph());
    element("use-portrait", HTMLButtonElement).addEventListener(
      "click",
      () => void this.#fetch(portrait, "Eileen Collins"),
    );
    const file = element("use-file", HTMLInputElement);
    file.addEventListener("change", () => {
      void this.#use(file.files?.[0]);
      file.value = "";
    });
    this.#cameraButton.addEventListener(
      "click",
      () => void (this.#camera.on ? this.#stopCamera() : this.#startCamera()),
    );
    addEventListener("paste", (event) => void this.#use(pictureIn(event.clipboardData)));
    this.#acceptDrops();
  }

  /** Whether pictures keep coming. */
  get live(): boolean {
    return this.#camera.on;
  }

  async usePhotograph(): Promise<void> {
    await this.#fetch(photograph, "Chelsea");
  }

  /** The camera's next frame; asked for when the one before is done with. */
  async next(): Promise<void> {
    const frame = await this.#camera.frame();
    if (frame !== undefined) this.#show(frame);
  }

  /** A picture that comes with the page. */
  async #fetch(address: string, name: string): Promise<void> {
    const answer = await fetch(address);
    await this.#use(await answer.blob(), name);
  }

  async #use(source: Blob | undefined, name = source instanceof File ? source.name : "The picture"): Promise<void> {
    if (source === undefined) return;
    try {
      const picture = await readPicture(source, name);
      this.#stopCamera();
      this.#say(picture.note);
      this.#show(picture);
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error), true);
    }
  }

  async #startCamera(): Promise<void> {
    this.#say("Waiting for the camera");
    try {
      await this.#camera.start(() => this.#stopCamera());
      this.#cameraButton.setAttribute("aria-pressed", "true");
      this.#cameraButton.textContent = "Stop camera";
      this.#say("Camera, live");
      await this.next();
    } catch (error) {
      this.#stopCamera();
      this.#say(error instanceof Error ? error.message : String(error), true);
    }
  }

  #stopCamera(): void {
    if (this.#camera.on) this.#say("Camera, last frame");
    this.#camera.stop();
    this.#cameraButton.setAttribute("aria-pressed", "false");
    this.#cameraButton.textContent = "Camera";
  }

  #acceptDrops(): void {
    const zone = element("dropzone", HTMLElement);
    const hide = () => {
      zone.hidden = true;
    };
    addEventListener("dragenter", (event) => {
      if (event.dataTransfer?.types.includes("Files")) zone.hidden = false;
    });
    addEventListener("dragover", (event) => event.preventDefault());
    zone.addEventListener("dragleave", hide);
    addEventListener("drop", (event) => {
      event.preventDefault();
      hide();
      const picture = pictureIn(event.dataTransfer);
      if (picture !== undefined) void this.#use(picture);
      else if (event.dataTransfer?.types.includes("Files")) this.#say("That is not a picture", true);
    });
  }

  #say(text: string, wrong = false): void {
    this.#note.textContent = text;
    this.#note.toggleAttribute("data-wrong", wrong);
  }
}
