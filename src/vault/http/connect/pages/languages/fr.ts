import type { Texts } from "./texts.ts";

/** « Vous ». Before "?" and ":" stands a narrow space that does not break. */
export const fr: Texts = {
  confirmTitle: "Connecter votre compte {provider} à {app}\u202f?",
  confirmLead:
    "Toute personne qui utilise {app} avec le compte d’utilisateur ci-dessous pourra alors accéder à votre compte {provider} depuis cette application.",
  from: "Votre compte {provider}",
  fromChosen: "Celui que vous choisirez à la page suivante",
  fromSuggested: "Suggestion. Vous pourrez en choisir un autre à la page suivante.",
  to: "Compte d’utilisateur dans {app}",
  scopesTitle: "Ce que demande {app}",
  scopesAtProvider: "{provider} affichera à la page suivante ce que demande {app}.",
  lasting: "L’accès dure même en votre absence, jusqu’à ce que vous le retiriez dans {app} ou chez {provider}.",
  warningTitle: "Venez-vous de commencer vous-même dans {app}\u202f?",
  warning:
    "Sinon, ou si quelqu’un vous a envoyé ce lien, veuillez annuler. Une autre personne pourrait obtenir l’accès à votre compte.",
  continueButton: "Continuer vers {provider}",
  cancelButton: "Annuler, ce n’était pas moi",

  continuingTitle: "Vers {provider}",
  continuingText: "Si rien ne se passe, veuillez utiliser ce lien\u00a0:",

  connectedTitle: "Le compte est connecté",
  connectedText: "Vous pouvez fermer cette page et revenir à l’application.",
  expiredTitle: "Ce lien a expiré",
  expiredText:
    "Il ne fonctionne que quelques minutes. Veuillez revenir à l’application et recommencer. Rien n’a été connecté.",
  unknownTitle: "Ce lien ne fonctionne pas",
  unknownText: "Il est incomplet ou n’existe pas. Veuillez revenir à l’application et recommencer.",
  usedTitle: "Ce lien a déjà été utilisé",
  usedText:
    "Il ne fonctionne qu’une fois. Si le compte n’est pas encore connecté, veuillez revenir à l’application et recommencer.",
  otherBrowserTitle: "Veuillez continuer là où vous avez commencé",
  otherBrowserText:
    "L’opération a été commencée dans un autre navigateur et ne peut être terminée que là. Ainsi, personne ne peut s’emparer d’un compte avec un lien. Rien n’a été connecté.",
  otherPersonTitle: "Ce lien est destiné à quelqu’un d’autre",
  otherPersonText:
    "Il a été créé pour une autre personne que celle qui est connectée ici, et ne mène pas plus loin. Si vous avez commencé vous-même, veuillez vous identifier comme la même personne. Rien n’a été connecté.",
  otherAccountTitle: "Vous avez choisi un autre compte",
  otherAccountText:
    "L’application utilise déjà un autre de vos comptes. Veuillez revenir à l’application, recommencer et choisir ce compte-là. Il continue de fonctionner comme avant.",
  signInTitle: "Veuillez d’abord vous identifier",
  signInText:
    "Ce lien ne fonctionne que pour la personne pour laquelle il a été créé. Veuillez vous identifier dans l’application avec ce navigateur, puis ouvrir le lien à nouveau.",
  deniedTitle: "Rien n’a été connecté",
  deniedText: "L’accès n’a pas été accordé. Si vous le souhaitiez, veuillez revenir à l’application et recommencer.",
  failedTitle: "Le compte n’a pas pu être connecté",
  failedText:
    "Veuillez revenir à l’application et recommencer. En cas de nouvel échec, communiquez ce message à l’assistance de l’application.",
  backButton: "Revenir à l’application",
  detailTitle: "Message",

  scopeSubject: "Voir de quel compte il s’agit",
  scopeEmail: "Voir votre adresse e-mail",
  scopeProfile: "Voir votre nom et votre photo",
  scopeDriveAppFolder:
    "Conserver ses propres données dans un dossier de votre Google Drive, sans accès à vos autres fichiers",
  scopeDriveFile: "Voir et modifier les fichiers de votre Google Drive que vous utilisez avec cette application",
  scopeDriveReadonly: "Voir et télécharger tous les fichiers de votre Google Drive",
  scopeDrive: "Voir, modifier et supprimer tous les fichiers de votre Google Drive",
};
