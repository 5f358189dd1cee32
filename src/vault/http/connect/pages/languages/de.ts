import type { Texts } from "./texts.ts";

/** Neither "du" nor "Sie": which one fits depends on the app. */
export const de: Texts = {
  confirmTitle: "Konto bei {provider} mit {app} verbinden?",
  confirmLead:
    "Wer {app} mit dem unten genannten Nutzerkonto verwendet, erreicht darüber dann das Konto bei {provider}.",
  from: "Konto bei {provider}",
  fromChosen: "Auswahl auf der nächsten Seite",
  fromSuggested: "Vorschlag. Auf der nächsten Seite kann ein anderes Konto gewählt werden.",
  to: "Nutzerkonto in {app}",
  scopesTitle: "Darum bittet {app}",
  scopesAtProvider: "{provider} zeigt auf der nächsten Seite, worum {app} bittet.",
  lasting: "Der Zugriff gilt auch bei Abwesenheit, bis er in {app} oder bei {provider} beendet wird.",
  againTitle: "Konto bei {provider} wieder für {app} freigeben?",
  againLead: "Das Konto bei {provider} war schon einmal mit {app} verbunden. {app} bittet darum, das zu erneuern.",
  againAccount: "Dasselbe wie zuvor",
  againOther: "Bitte mit dem Konto anmelden, das damals verbunden wurde. Mit einem anderen wird nichts verbunden.",
  againNote: "Wenn {app} das Konto nicht mehr benutzen soll: bitte abbrechen.",
  warningTitle: "Ist das oben genannte Nutzerkonto in {app} das eigene?",
  warning:
    "Wenn es jemand anderem gehört, oder wenn unklar ist, woher dieser Link kommt: bitte abbrechen. Wer jenes Nutzerkonto verwendet, könnte sonst Zugriff auf das Konto bekommen.",
  continueButton: "Weiter zu {provider}",
  cancelButton: "Abbrechen",

  continuingTitle: "Weiter zu {provider}",
  continuingText: "Falls nichts geschieht, hilft dieser Link:",

  connectedTitle: "Das Konto ist verbunden",
  connectedText: "Diese Seite kann geschlossen werden. Weiter geht es in der App.",
  expiredTitle: "Dieser Link ist abgelaufen",
  expiredText:
    "Er gilt nur wenige Minuten. Bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten. Es wurde nichts verbunden.",
  unknownTitle: "Dieser Link funktioniert nicht",
  unknownText:
    "Er ist unvollständig, oder es gibt ihn nicht. Bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten.",
  usedTitle: "Dieser Link wurde schon verwendet",
  usedText:
    "Er gilt nur einmal. Falls das Konto noch nicht verbunden ist, bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten.",
  otherBrowserTitle: "Bitte dort weitermachen, wo es begann",
  otherBrowserText:
    "Der Vorgang wurde in einem anderen Browser begonnen und lässt sich nur dort abschließen. So kann niemand mit einem Link ein fremdes Konto übernehmen. Es wurde nichts verbunden.",
  otherPersonTitle: "Dieser Link ist für jemand anderen",
  otherPersonText:
    "Er wurde für eine andere Person erstellt als die, die hier angemeldet ist, und führt nicht weiter. Wer selbst damit begonnen hat, meldet sich bitte als dieselbe Person an. Es wurde nichts verbunden.",
  otherAccountTitle: "Es wurde ein anderes Konto gewählt",
  otherAccountText:
    "Die App benutzt dort bereits ein anderes Konto dieser Person. Bitte in der App von vorn beginnen und jenes Konto wählen. Es funktioniert weiter wie bisher.",
  notSameAccountText:
    "Dieser Link gilt für das Konto, das zuvor verbunden war, und die Anmeldung geschah mit einem anderen. Es wurde nichts verbunden. Bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten, und dann das Konto von damals wählen.",
  signInTitle: "Bitte zuerst anmelden",
  signInText:
    "Dieser Link gilt nur für die Person, für die er erstellt wurde. Bitte in diesem Browser in der App anmelden und den Link noch einmal öffnen.",
  deniedTitle: "Es wurde nichts verbunden",
  deniedText:
    "Der Zugriff wurde nicht erlaubt. Falls er doch gewünscht ist, bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten.",
  failedTitle: "Das Konto ließ sich nicht verbinden",
  failedText:
    "Bitte in der App von vorn beginnen, oder den Absender um einen neuen Link bitten. Wenn es wieder nicht gelingt, hilft dem Support der App diese Meldung.",
  backButton: "Zurück zur App",
  detailTitle: "Meldung",

  scopeSubject: "Sehen, um welches Konto es sich handelt",
  scopeEmail: "Die E-Mail-Adresse sehen",
  scopeProfile: "Name und Bild sehen",
  scopeDriveAppFolder: "Eigene Daten in einem Ordner in Google Drive ablegen, ohne Zugriff auf andere Dateien",
  scopeDriveFile: "Dateien in Google Drive sehen und ändern, die mit dieser App verwendet werden",
  scopeDriveReadonly: "Alle Dateien in Google Drive sehen und herunterladen",
  scopeDrive: "Alle Dateien in Google Drive sehen, ändern und löschen",
};
