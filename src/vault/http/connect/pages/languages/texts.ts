/**
 * Everything that the pages say, in one language. `{app}` and `{provider}` are places for names. A name can be anything, so
 * no word around it may depend on its sound, gender or ending.
 */
export interface Texts {
  /** The question that the confirmation asks: title and heading. */
  readonly confirmTitle: string;
  /** What follows from saying yes. */
  readonly confirmLead: string;
  readonly from: string;
  readonly fromChosen: string;
  readonly fromSuggested: string;
  readonly to: string;
  readonly scopesTitle: string;
  readonly scopesAtProvider: string;
  readonly lasting: string;
  /** The same question about an account that was connected before. */
  readonly againTitle: string;
  readonly againLead: string;
  readonly againAccount: string;
  readonly againOther: string;
  readonly againNote: string;
  readonly warningTitle: string;
  readonly warning: string;
  readonly continueButton: string;
  readonly cancelButton: string;

  readonly continuingTitle: string;
  readonly continuingText: string;

  readonly connectedTitle: string;
  readonly connectedText: string;
  readonly expiredTitle: string;
  readonly expiredText: string;
  readonly unknownTitle: string;
  readonly unknownText: string;
  readonly usedTitle: string;
  readonly usedText: string;
  readonly otherBrowserTitle: string;
  readonly otherBrowserText: string;
  readonly otherPersonTitle: string;
  readonly otherPersonText: string;
  readonly otherAccountTitle: string;
  readonly otherAccountText: string;
  readonly notSameAccountText: string;
  readonly signInTitle: string;
  readonly signInText: string;
  readonly deniedTitle: string;
  readonly deniedText: string;
  readonly failedTitle: string;
  readonly failedText: string;
  readonly backButton: string;
  /** Stands before words that are not ours. */
  readonly detailTitle: string;

  readonly scopeSubject: string;
  readonly scopeEmail: string;
  readonly scopeProfile: string;
  readonly scopeDriveAppFolder: string;
  readonly scopeDriveFile: string;
  readonly scopeDriveReadonly: string;
  readonly scopeDrive: string;
}
