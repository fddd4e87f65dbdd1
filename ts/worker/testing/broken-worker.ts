/** A worker whose script throws. */
throw new Error("a fault in the script");
