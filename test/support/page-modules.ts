/** The modules of the demo's page that decide and do not draw. They are plain JavaScript, as the page is. */

type Entry = Readonly<Record<string, unknown>>;

/** The addresses and files of a demo, and on whose behalf the code is. */
export interface CodeRun {
  readonly service: string;
  readonly standin: string;
  readonly keyFile: string;
  readonly masterKeyFile: string;
  readonly database: string;
  readonly clientId: string;
  readonly grantId: string;
  readonly email: string;
  readonly newcomer: string;
  readonly note: string;
}

interface Code {
  readonly codeOf: (
    run: CodeRun,
  ) => Readonly<Record<string, { readonly curl: readonly string[]; readonly typescript: readonly string[] }>>;
  readonly setUp: (run: CodeRun) => readonly string[];
  readonly shellWord: (text: string) => string;
}

/** How far the acts are, as the page reads it from the timeline. */
export interface StoryState {
  readonly done: ReadonlyMap<string, { readonly entries: readonly Entry[] }>;
  readonly dead: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

interface Story {
  readonly order: readonly string[];
  readonly newStory: () => StoryState;
  readonly tell: (story: StoryState, entry: Entry) => void;
  readonly nextAct: (story: StoryState, grant: Entry | undefined) => string | undefined;
  readonly isServerAlone: (story: StoryState) => boolean;
}

const module = (name: string): Promise<unknown> =>
  import(new URL(`../../src/demo/page/${name}.js`, import.meta.url).href);

export const { codeOf, setUp, shellWord } = (await module("code")) as Code;
export const { order, newStory, tell, nextAct, isServerAlone } = (await module("story")) as Story;
