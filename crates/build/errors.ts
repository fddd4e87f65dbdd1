/** A failure that the person at the keyboard can do something about: its message is all that is shown. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}
