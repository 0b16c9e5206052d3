/** What has been opened, to be closed in the opposite order, also when a start fails half-way. */

export interface Closing {
  push(close: () => unknown): void
  /** Closes everything; a part that fails to close does not keep the others open. */
  all(): Promise<void>
}

export function createClosing(): Closing {
  const opened: (() => unknown)[] = []
  return {
    push: (close) => {
      opened.push(close)
    },
    all: async () => {
      for (let close = opened.pop(); close !== undefined; close = opened.pop()) {
        try {
          await close()
        } catch {
          // It is going away in any case; what matters is that the rest is closed too.
        }
      }
    },
  }
}
