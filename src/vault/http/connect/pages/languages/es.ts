import type { Texts } from "./texts.ts";

/** «Usted»: it is polite everywhere. */
export const es: Texts = {
  confirmTitle: "¿Conectar su cuenta de {provider} con {app}?",
  confirmLead:
    "Quien use {app} con la cuenta de usuario indicada abajo podrá acceder desde ahí a su cuenta de {provider}.",
  from: "Su cuenta de {provider}",
  fromChosen: "La que elija en la página siguiente",
  fromSuggested: "Sugerencia. En la página siguiente puede elegir otra.",
  to: "Cuenta de usuario en {app}",
  scopesTitle: "Lo que solicita {app}",
  scopesAtProvider: "{provider} mostrará en la página siguiente lo que solicita {app}.",
  lasting: "El acceso continúa aunque usted no esté presente, hasta que lo retire en {app} o en {provider}.",
  warningTitle: "¿Acaba de iniciar esto usted en {app}?",
  warning: "Si no es así, o si alguien le envió este enlace, cancele. Otra persona podría obtener acceso a su cuenta.",
  continueButton: "Continuar a {provider}",
  cancelButton: "Cancelar, no he sido yo",

  continuingTitle: "Continuar a {provider}",
  continuingText: "Si no ocurre nada, use este enlace:",

  connectedTitle: "La cuenta está conectada",
  connectedText: "Puede cerrar esta página y volver a la aplicación.",
  expiredTitle: "Este enlace ha caducado",
  expiredText:
    "Solo funciona durante unos minutos. Vuelva a la aplicación y empiece de nuevo. No se ha conectado nada.",
  unknownTitle: "Este enlace no funciona",
  unknownText: "Está incompleto o no existe. Vuelva a la aplicación y empiece de nuevo.",
  usedTitle: "Este enlace ya se ha utilizado",
  usedText: "Solo funciona una vez. Si la cuenta aún no está conectada, vuelva a la aplicación y empiece de nuevo.",
  otherBrowserTitle: "Continúe donde empezó",
  otherBrowserText:
    "El proceso se inició en otro navegador y solo puede terminarse allí. Así nadie puede apropiarse de una cuenta con un enlace. No se ha conectado nada.",
  otherPersonTitle: "Este enlace es para otra persona",
  otherPersonText:
    "Se creó para una persona distinta de la que ha iniciado sesión aquí, y no lleva más lejos. Si lo empezó usted, inicie sesión como la misma persona. No se ha conectado nada.",
  otherAccountTitle: "Ha elegido otra cuenta",
  otherAccountText:
    "La aplicación ya usa allí otra cuenta suya. Vuelva a la aplicación, empiece de nuevo y elija esa cuenta. Sigue funcionando como antes.",
  signInTitle: "Inicie sesión primero",
  signInText:
    "Este enlace solo sirve a la persona para la que se creó. Inicie sesión en la aplicación en este navegador y vuelva a abrir el enlace.",
  deniedTitle: "No se ha conectado nada",
  deniedText: "No se concedió el acceso. Si quería concederlo, vuelva a la aplicación y empiece de nuevo.",
  failedTitle: "No se ha podido conectar la cuenta",
  failedText:
    "Vuelva a la aplicación y empiece de nuevo. Si vuelve a fallar, comunique este mensaje al soporte de la aplicación.",
  backButton: "Volver a la aplicación",
  detailTitle: "Mensaje",

  scopeSubject: "Ver de qué cuenta se trata",
  scopeEmail: "Ver su dirección de correo electrónico",
  scopeProfile: "Ver su nombre y su foto",
  scopeDriveAppFolder: "Guardar sus propios datos en una carpeta de su Google Drive, sin acceso a sus demás archivos",
  scopeDriveFile: "Ver y modificar los archivos de su Google Drive que use con esta aplicación",
  scopeDriveReadonly: "Ver y descargar todos los archivos de su Google Drive",
  scopeDrive: "Ver, modificar y eliminar todos los archivos de su Google Drive",
};
