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
  againTitle: "¿Permitir que {app} vuelva a usar su cuenta de {provider}?",
  againLead: "Su cuenta de {provider} ya estuvo conectada con {app}. {app} le pide que renueve esa conexión.",
  againAccount: "La misma que antes",
  againOther: "Inicie sesión con la cuenta que conectó entonces. Con cualquier otra no se conectará nada.",
  againNote: "Si ya no quiere que {app} use su cuenta, cancele.",
  warningTitle: "¿Es suya la cuenta de usuario de {app} indicada arriba?",
  warning:
    "Si es de otra persona, o si no sabe por qué ha llegado aquí, cancele. Quien use esa cuenta de usuario podría obtener acceso a su cuenta.",
  continueButton: "Continuar a {provider}",
  cancelButton: "Cancelar",

  continuingTitle: "Continuar a {provider}",
  continuingText: "Si no ocurre nada, use este enlace:",

  connectedTitle: "La cuenta está conectada",
  connectedText: "Puede cerrar esta página y volver a la aplicación.",
  expiredTitle: "Este enlace ha caducado",
  expiredText:
    "Solo funciona durante unos minutos. Empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió. No se ha conectado nada.",
  unknownTitle: "Este enlace no funciona",
  unknownText: "Está incompleto o no existe. Empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió.",
  usedTitle: "Este enlace ya se ha utilizado",
  usedText:
    "Solo funciona una vez. Si la cuenta aún no está conectada, empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió.",
  otherBrowserTitle: "Continúe donde empezó",
  otherBrowserText:
    "El proceso se inició en otro navegador y solo puede terminarse allí. Así nadie puede apropiarse de una cuenta con un enlace. No se ha conectado nada.",
  otherPersonTitle: "Este enlace es para otra persona",
  otherPersonText:
    "Se creó para una persona distinta de la que ha iniciado sesión aquí, y no lleva más lejos. Si lo empezó usted, inicie sesión como la misma persona. No se ha conectado nada.",
  otherAccountTitle: "Ha elegido otra cuenta",
  otherAccountText:
    "La aplicación ya usa allí otra cuenta suya. Vuelva a la aplicación, empiece de nuevo y elija esa cuenta. Sigue funcionando como antes.",
  notSameAccountText:
    "Este enlace es para la cuenta que estuvo conectada antes, y usted ha iniciado sesión con otra. No se ha conectado nada. Empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió, y elija la cuenta de antes.",
  signInTitle: "Inicie sesión primero",
  signInText:
    "Este enlace solo sirve a la persona para la que se creó. Inicie sesión en la aplicación en este navegador y vuelva a abrir el enlace.",
  deniedTitle: "No se ha conectado nada",
  deniedText:
    "No se concedió el acceso. Si quería concederlo, empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió.",
  failedTitle: "No se ha podido conectar la cuenta",
  failedText:
    "Empiece de nuevo en la aplicación o pida otro enlace a quien se lo envió. Si vuelve a fallar, comunique este mensaje al soporte de la aplicación.",
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
