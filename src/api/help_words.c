/* help_words.c - every word of the help centre, in every language it speaks. */
#include "api/help.h"

const struct lang langs[LANGS] = {
	[LANG_EN] = { "en", "en-us", "English", "ltr" },
	[LANG_ES] = { "es", "es", "Español", "ltr" },
};

static const char *const words[W_LAST][LANGS] = {
	[W_TITLE] = { "Help", "Ayuda" },
	[W_SIGN_IN] = { "Sign in", "Entrar" },
	[W_SIGN_OUT] = { "Sign out", "Salir" },
	[W_EMAIL] = { "Your e-mail address", "Su correo electrónico" },
	[W_SEND_LINK] = { "Send me a link", "Envíenme un enlace" },
	[W_SENT] = { "If this address is known here, a link is on its way to it.", "Si conocemos esta dirección, un enlace va en camino." },
	[W_YOUR_CODE] = { "Your code", "Su código" },
	[W_CODE_WHY] = { "The link asks for this code. It is good for 15 minutes. We never ask for it by phone or mail.",
	    "El enlace pide este código. Vale 15 minutos. Nunca lo pedimos por teléfono ni por correo." },
	[W_CODE] = { "The code from the page where you asked for the link", "El código de la página donde pidió el enlace" },
	[W_ENTER] = { "Go on", "Continuar" },
	[W_LINK_WRONG] = { "The code is wrong, or the link is over. Ask for a new link.", "El código no es correcto o el enlace caducó. Pida otro enlace." },
	[W_MINE] = { "My requests", "Mis solicitudes" },
	[W_ASK] = { "Ask for help", "Pedir ayuda" },
	[W_NONE] = { "You have not asked for anything yet.", "Aún no ha pedido nada." },
	[W_SUBJECT] = { "Subject", "Asunto" },
	[W_MESSAGE] = { "Message", "Mensaje" },
	[W_NAME] = { "Your name", "Su nombre" },
	[W_SEND] = { "Send", "Enviar" },
	[W_SUBJECT_HINT] = { "A few words, without names, birth dates or numbers: subjects travel in notices.",
	    "Unas palabras, sin nombres, fechas ni números: los asuntos viajan en avisos." },
	[W_MESSAGE_HINT] = { "Write what we need to help you, and no more about your health than that.",
	    "Escriba lo necesario para ayudarle, y no más sobre su salud." },
	[W_REPLY] = { "Your reply", "Su respuesta" },
	[W_CLOSED] = { "This request is closed. Ask again if you still need help.", "Esta solicitud está cerrada. Pregunte de nuevo si aún necesita ayuda." },
	[W_SOLVED] = { "This is solved", "Está resuelto" },
	[W_SOLVED_NOW] = { "Thank you. This request is solved.", "Gracias. Esta solicitud está resuelta." },
	[W_STATUS] = { "Status", "Estado" },
	[W_UPDATED] = { "Updated", "Actualizado" },
	[W_ASKED] = { "We have your request. We will answer by e-mail; to read the answer, sign in here.",
	    "Hemos recibido su solicitud. Responderemos por correo; para leer la respuesta, entre aquí." },
	[W_ASKED_HERE] = { "We have your request. Our answer will stand here.", "Hemos recibido su solicitud. La respuesta estará aquí." },
	[W_INTRO] = { "Ask our team, and read our answers safely.", "Pregunte a nuestro equipo y lea las respuestas con seguridad." },
	[W_WRONG] = { "Please look at this again:", "Por favor, revise esto:" },
	[W_AGAIN] = { "This page was open too long. Nothing was sent; please send it again.", "La página estuvo abierta demasiado tiempo. No se envió nada; envíelo otra vez." },
	[W_ABSENT] = { "There is no such page, or it is not yours to see.", "No existe esta página, o no puede verla." },
	[W_MAIL_OFF] = { "This desk does not send mail yet. Please call instead.", "Este servicio aún no envía correo. Llámenos, por favor." },
	[W_BACK] = { "Back", "Volver" },
	[W_SKIP] = { "Skip to the content", "Saltar al contenido" },
	[W_LANGUAGE] = { "Language", "Idioma" },
	[W_MENU] = { "Help centre", "Centro de ayuda" },
	[W_ANSWER_FROM] = { "Care team", "Equipo" },
	[W_FORM] = { "What is it about?", "¿De qué se trata?" },
	[W_FORM_WHY] = { "Each form asks only for what its team needs.", "Cada formulario pide solo lo que su equipo necesita." },
	[W_NEXT] = { "Next", "Siguiente" },
	[W_MORE_FIELDS] = { "Show what else is needed", "Mostrar qué más hace falta" },
	[W_MORE_FIELDS_WHY] = { "With what you chose, the form asks for a little more. Nothing was sent yet.",
	    "Con lo que eligió, el formulario pide algo más. Aún no se envió nada." },
	[W_CHOOSE] = { "Please choose", "Elija, por favor" },
	[W_FILES] = { "Attachments", "Archivos adjuntos" },
	[W_FILES_HINT] = { "Up to five files, 24 MB together.", "Hasta cinco archivos, 24 MB en total." },
	[W_OPTIONAL] = { "optional", "opcional" },
	[W_PHI_FOUND] = { "This looks like it tells who you are or about your health:", "Esto parece decir quién es usted o algo de su salud:" },
	[W_PHI_WHERE] = { "Please move it to the message, which is protected; this field is seen in lists and notices.",
	    "Por favor, páselo al mensaje, que está protegido; este campo se ve en listas y avisos." },
	[W_PHI_SURE] = { "It is needed there. Send it all the same.", "Es necesario ahí. Enviar de todos modos." },
	[W_FILE_LARGE] = { "Attachments: are too large or too many (five files, 24 MB together)", "Archivos adjuntos: son demasiado grandes o demasiados (cinco archivos, 24 MB en total)" },
	[W_NO_MATTER] = { "None", "Ninguno" },
	[W_BLANK_SUBJECT] = { "Subject: cannot be blank", "Asunto: no puede estar vacío" },
	[W_BLANK_MESSAGE] = { "Message: cannot be blank", "Mensaje: no puede estar vacío" },
	[W_BAD_EMAIL] = { "E-mail: is not an address", "Correo: no es una dirección" },
	[W_PRIORITY] = { "How urgent is it?", "¿Qué urgencia tiene?" },
	[W_TYPE] = { "Kind of request", "Tipo de solicitud" },
	[W_MAYBE] = { "Perhaps one of these already answers it", "Quizá uno de estos ya lo responde" },
	[W_MAYBE_LOOK] = { "Look for an answer first", "Buscar antes una respuesta" },
	[W_ONLY_FORM] = { "We keep only what this form asks for.", "Guardamos solo lo que pide este formulario." },
	[W_SECURE] = { "A secure message", "Un mensaje seguro" },
	[W_SECURE_WHY_CODE] = { "To show that it is you, we send a code to the address that this link went to.",
	    "Para comprobar que es usted, enviamos un código a la dirección a la que fue este enlace." },
	[W_SECURE_WHY_KNOWN] = { "To show that it is you, please answer one question.", "Para comprobar que es usted, responda a una pregunta." },
	[W_SECURE_SEND] = { "Send me a code", "Envíenme un código" },
	[W_SECURE_SENT] = { "A code is on its way. It is good for 15 minutes.", "Un código va en camino. Vale 15 minutos." },
	[W_SECURE_CODE] = { "The code from the mail", "El código del correo" },
	[W_SECURE_BIRTH] = { "Your date of birth", "Su fecha de nacimiento" },
	[W_SECURE_PHONE] = { "The last four digits of your phone number", "Las últimas cuatro cifras de su teléfono" },
	[W_SECURE_POSTAL] = { "Your postal code", "Su código postal" },
	[W_SECURE_PHRASE] = { "The passphrase that you agreed on with us", "La contraseña que acordó con nosotros" },
	[W_SECURE_OPEN] = { "Open the message", "Abrir el mensaje" },
	[W_SECURE_WRONG] = { "That was not it. After five wrong answers the link ends.", "No es correcto. Tras cinco respuestas erróneas el enlace termina." },
	[W_SECURE_OVER] = { "This link is over. Please ask us for a new one, or sign in to read your requests.",
	    "Este enlace terminó. Pídanos otro, o entre para leer sus solicitudes." },
	[W_SECURE_UNTIL] = { "This link works until", "Este enlace funciona hasta" },
	[W_SECURE_REPLIED] = { "Your reply was sent.", "Su respuesta se envió." },
	[W_SECURE_LEFT] = { "Close this message", "Cerrar este mensaje" },
	[W_RATE] = { "How did we do?", "¿Qué tal lo hicimos?" },
	[W_RATE_HOW] = { "Your answer is seen by our team only.", "Su respuesta solo la ve nuestro equipo." },
	[W_RATE_GOOD] = { "Good, I am satisfied", "Bien, estoy satisfecho" },
	[W_RATE_BAD] = { "Bad, I am not satisfied", "Mal, no estoy satisfecho" },
	[W_RATE_REASON] = { "If it was bad: what was the main reason?", "Si fue mal: ¿cuál fue la causa principal?" },
	[W_RATE_COMMENT] = { "What should we know?", "¿Qué deberíamos saber?" },
	[W_RATE_HINT] = { "No health details are needed here.", "Aquí no hacen falta datos de salud." },
	[W_RATE_SEND] = { "Send rating", "Enviar valoración" },
	[W_RATE_THANKS] = { "Thank you. We have your rating.", "Gracias. Tenemos su valoración." },
	[W_RATE_OVER] = { "This link is over, or the request can no longer be rated.", "Este enlace terminó o la solicitud ya no se puede valorar." },
	[W_RATE_CHANGE] = { "You may change it as long as the request is solved.", "Puede cambiarla mientras la solicitud esté resuelta." },
	[W_ARTICLES] = { "Answers", "Respuestas" },
	[W_SEARCH] = { "Search", "Buscar" },
	[W_SEARCH_WORDS] = { "Search our answers", "Buscar en nuestras respuestas" },
	[W_FOUND_NONE] = { "Nothing was found. Try other words, or ask us.", "No se encontró nada. Pruebe otras palabras o pregúntenos." },
	[W_FOUND] = { "What was found", "Resultados" },
	[W_ALL_ARTICLES] = { "All answers", "Todas las respuestas" },
	[W_ARTICLES_NONE] = { "There are no answers here yet.", "Aún no hay respuestas aquí." },
	[W_UPDATED_ON] = { "Updated", "Actualizado" },
	[W_MORE_HELP] = { "Did this not help?", "¿No le ayudó?" },
	[W_SIGN_IN_READ] = { "Sign in to read more answers.", "Entre para leer más respuestas." },
	[W_OTHER_LANGUAGE] = { "This answer is not translated yet.", "Esta respuesta aún no está traducida." },
	[W_SECTION_EMPTY] = { "Nothing is here yet.", "Aún no hay nada aquí." },
	[W_RESET] = { "A new password", "Una contraseña nueva" },
	[W_RESET_WHY] = { "We send a link to your address. It is good for 30 minutes and works once.",
	    "Enviamos un enlace a su correo. Vale 30 minutos y funciona una vez." },
	[W_RESET_NEW] = { "New password", "Contraseña nueva" },
	[W_RESET_AGAIN] = { "The new password again", "La contraseña nueva otra vez" },
	[W_RESET_DIFFER] = { "The two passwords are not the same.", "Las dos contraseñas no son iguales." },
	[W_RESET_RULE] = { "A password has at least # characters, and at most 1024 bytes.", "Una contraseña tiene al menos # caracteres y como máximo 1024 bytes." },
	[W_RESET_CODE] = { "The code from your authenticator app, or a recovery code", "El código de su aplicación de autenticación, o un código de recuperación" },
	[W_RESET_CODE_WRONG] = { "The code is missing, wrong, too old, or was used already.", "El código falta, no es correcto, es demasiado antiguo o ya se usó." },
	[W_RESET_SET] = { "Set the password", "Guardar la contraseña" },
	[W_RESET_OVER] = { "This link is over or was used already. Ask for a new one, or ask who invited you.",
	    "Este enlace caducó o ya se usó. Pida otro, o pregunte a quien le invitó." },
	[W_RESET_ANEW] = { "Ask for a new link", "Pedir otro enlace" },
	[W_RESET_DONE] = { "Your password was changed. All your sessions have ended; sign in with the new one.",
	    "Su contraseña fue cambiada. Todas sus sesiones terminaron; entre con la nueva." },
	[W_INVITE] = { "Welcome to the help desk", "Le damos la bienvenida" },
	[W_INVITE_WHY] = { "Choose a password for your account. After that you sign in and set up a second factor.",
	    "Elija una contraseña para su cuenta. Después entra y configura un segundo factor." },
	[W_INVITE_DONE] = { "Your password is set. Sign in with it; the second factor comes next.", "Su contraseña está guardada. Entre con ella; después viene el segundo factor." },
	[W_RESET_OFTEN] = { "That was too often. Please wait a few minutes, then try again.", "Fueron demasiados intentos. Espere unos minutos y pruebe de nuevo." },
};

static const char *const states[][LANGS] = {
	[TICKET_NEW] = { "new", "nueva" }, [TICKET_OPEN] = { "we are on it", "en curso" }, [TICKET_PENDING] = { "waits for you", "espera su respuesta" },
	[TICKET_HOLD] = { "we are on it", "en curso" }, [TICKET_SOLVED] = { "solved", "resuelta" }, [TICKET_CLOSED] = { "closed", "cerrada" },
};

static const struct { const char *label, *is[LANGS]; } labels[] = {
	{ "NAME", { "a name", "un nombre" } }, { "DATE", { "a date", "una fecha" } }, { "AGE90", { "an age", "una edad" } },
	{ "PHONE", { "a phone number", "un teléfono" } }, { "FAX", { "a fax number", "un número de fax" } }, { "EMAIL", { "an e-mail address", "un correo" } },
	{ "SSN", { "a Social Security number", "un número de Seguridad Social" } }, { "MRN", { "a medical record number", "un número de historia clínica" } },
	{ "LOCATION", { "an address or place", "una dirección o un lugar" } }, { "FACILITY", { "a place of care", "un centro de salud" } },
	{ "ACCOUNT", { "an account or card number", "un número de cuenta o tarjeta" } }, { "HEALTHPLAN", { "an insurance number", "un número de seguro" } },
};

static const struct { int code; const char *is[LANGS]; } reasons[] = {
	{ 1000, { "It took too long", "Tardó demasiado" } }, { 1001, { "It was not resolved", "No se resolvió" } },
	{ 1002, { "The answer did not show enough knowledge", "La respuesta no mostró suficiente conocimiento" } },
	{ 1003, { "The manner was not right", "El trato no fue correcto" } }, { 100, { "Another reason", "Otra causa" } },
};

const char *
word_in(enum word w, int lang)
{
	return words[w][lang];
}

const char *
state_in(enum ticket_status s, int lang)
{
	return states[s][lang];
}

const char *
label_in(str label, int lang)
{
	for (size_t i = 0; i < COUNT(labels); i++)
		if (str_eq(label, str_of(labels[i].label)))
			return labels[i].is[lang];
	return lang == LANG_ES ? "un dato que identifica" : "something that identifies";
}

const char *
reason_in(int code, int lang)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].is[lang];
	return NULL;
}
