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
  againTitle: "Autoriser à nouveau {app} à utiliser votre compte {provider}\u202f?",
  againLead:
    "Votre compte {provider} a déjà été connecté à {app}. Cette application vous demande de renouveler cet accès.",
  againAccount: "Le même qu’avant",
  againOther: "Identifiez-vous avec le compte que vous aviez connecté. Avec un autre, rien ne sera connecté.",
  againNote: "Si vous ne voulez plus que {app} utilise votre compte, veuillez annuler.",
  warningTitle: "Le compte d’utilisateur indiqué ci-dessus dans {app} est-il le vôtre\u202f?",
  warning:
    "S’il appartient à quelqu’un d’autre, ou si vous ignorez pourquoi vous êtes ici, veuillez annuler. Toute personne qui utilise ce compte d’utilisateur pourrait obtenir l’accès à votre compte.",
  continueButton: "Continuer vers {provider}",
  cancelButton: "Annuler",

  continuingTitle: "Vers {provider}",
  continuingText: "Si rien ne se passe, veuillez utiliser ce lien\u00a0:",

  connectedTitle: "Le compte est connecté",
  connectedText: "Vous pouvez fermer cette page et revenir à l’application.",
  expiredTitle: "Ce lien a expiré",
  expiredText:
    "Il ne fonctionne que quelques minutes. Veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé. Rien n’a été connecté.",
  unknownTitle: "Ce lien ne fonctionne pas",
  unknownText:
    "Il est incomplet ou n’existe pas. Veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé.",
  usedTitle: "Ce lien a déjà été utilisé",
  usedText:
    "Il ne fonctionne qu’une fois. Si le compte n’est pas encore connecté, veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé.",
  otherBrowserTitle: "Veuillez continuer là où vous avez commencé",
  otherBrowserText:
    "L’opération a été commencée dans un autre navigateur et ne peut être terminée que là. Ainsi, personne ne peut s’emparer d’un compte avec un lien. Rien n’a été connecté.",
  otherPersonTitle: "Ce lien est destiné à quelqu’un d’autre",
  otherPersonText:
    "Il a été créé pour une autre personne que celle qui est connectée ici, et ne mène pas plus loin. Si vous avez commencé vous-même, veuillez vous identifier comme la même personne. Rien n’a été connecté.",
  otherAccountTitle: "Vous avez choisi un autre compte",
  otherAccountText:
    "L’application utilise déjà un autre de vos comptes. Veuillez revenir à l’application, recommencer et choisir ce compte-là. Il continue de fonctionner comme avant.",
  notSameAccountText:
    "Ce lien est destiné au compte qui était connecté auparavant, et vous en avez utilisé un autre. Rien n’a été connecté. Veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé, et choisir le compte d’avant.",
  signInTitle: "Veuillez d’abord vous identifier",
  signInText:
    "Ce lien ne fonctionne que pour la personne pour laquelle il a été créé. Veuillez vous identifier dans l’application avec ce navigateur, puis ouvrir le lien à nouveau.",
  deniedTitle: "Rien n’a été connecté",
  deniedText:
    "L’accès n’a pas été accordé. Si vous le souhaitiez, veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé.",
  failedTitle: "Le compte n’a pas pu être connecté",
  failedText:
    "Veuillez recommencer dans l’application, ou demander un nouveau lien à la personne qui vous l’a envoyé. En cas de nouvel échec, communiquez ce message à l’assistance de l’application.",
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
