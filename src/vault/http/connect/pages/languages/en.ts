import type { Texts } from "./texts.ts";

export const en: Texts = {
  confirmTitle: "Connect your {provider} account to {app}?",
  confirmLead: "Whoever uses {app} as the user below can then access your {provider} account through it.",
  from: "Your account at {provider}",
  fromChosen: "The one you choose on the next page",
  fromSuggested: "Suggested. You can choose another one on the next page.",
  to: "User account in {app}",
  scopesTitle: "What {app} asks for",
  scopesAtProvider: "{provider} shows on the next page what {app} asks for.",
  lasting: "The access also lasts while you are away, until you end it in {app} or at {provider}.",
  againTitle: "Let {app} use your {provider} account again?",
  againLead: "Your {provider} account was connected to {app} before. {app} asks you to renew that.",
  againAccount: "The same one as before",
  againOther: "Sign in with the account that you connected then. With any other one, nothing is connected.",
  againNote: "If you no longer want {app} to use your account, please cancel.",
  warningTitle: "Is the user account in {app} above yours?",
  warning:
    "If it is somebody else’s, or if you do not know why you were sent here, please cancel. Whoever uses that account could get access to yours.",
  continueButton: "Continue to {provider}",
  cancelButton: "Cancel",

  continuingTitle: "On to {provider}",
  continuingText: "If nothing happens, please use this link:",

  connectedTitle: "The account is connected",
  connectedText: "You can close this page and go back to the app.",
  expiredTitle: "This link has expired",
  expiredText:
    "It works for a few minutes only. Please start again in the app, or ask whoever sent you the link for a new one. Nothing was connected.",
  unknownTitle: "This link does not work",
  unknownText:
    "It is incomplete, or it does not exist. Please start again in the app, or ask whoever sent you the link for a new one.",
  usedTitle: "This link has been used already",
  usedText:
    "It works only once. If the account is not connected yet, please start again in the app, or ask whoever sent you the link for a new one.",
  otherBrowserTitle: "Please continue where you started",
  otherBrowserText:
    "This was started in another browser, and it can only be finished there. That way nobody can take over an account with a link. Nothing was connected.",
  otherPersonTitle: "This link is for somebody else",
  otherPersonText:
    "It was made for another person than the one who is signed in here, and leads no further. If you began this yourself, sign in as the person you began it as. Nothing was connected.",
  otherAccountTitle: "You chose another account",
  otherAccountText:
    "The app already uses another account of yours there. Please go back to the app, start again, and choose that one. It goes on working as before.",
  notSameAccountText:
    "This link is for the account that was connected before, and you signed in with another one. Nothing was connected. Please start again in the app, or ask whoever sent you the link for a new one, and choose the account from before.",
  signInTitle: "Please sign in first",
  signInText:
    "This link works only for the person it was made for. Please sign in to the app in this browser, then open the link again.",
  deniedTitle: "Nothing was connected",
  deniedText:
    "The access was not granted. If you did want it, please start again in the app, or ask whoever sent you the link for a new one.",
  failedTitle: "The account could not be connected",
  failedText:
    "Please start again in the app, or ask whoever sent you the link for a new one. If it fails again, tell the app's support what stands here.",
  backButton: "Back to the app",
  detailTitle: "Message",

  scopeSubject: "See which account it is",
  scopeEmail: "See your e-mail address",
  scopeProfile: "See your name and picture",
  scopeDriveAppFolder: "Keep its own data in a folder of your Google Drive, without access to your other files",
  scopeDriveFile: "See and change the files in your Google Drive that you use with this app",
  scopeDriveReadonly: "See and download all files in your Google Drive",
  scopeDrive: "See, change and delete all files in your Google Drive",
};
