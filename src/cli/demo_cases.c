/* demo_cases.c - what people write to the invented clinic. Nobody named here
 * exists; {name} {dob} {mrn} {phone} {member} {street} {day} are filled in per
 * patient, from ranges that are never given out (555-01xx, example domains). */
#include "cli/demo.h"

const struct demo_case demo_cases[] = {
	{ "Refill of lisinopril", "Hello,\n\nI need a refill of lisinopril 10 mg before {day}. My date of birth is {dob} and my MRN is {mrn}. Please call me at {phone}"
	    " when it is ready.\n\nThank you,\n{name}", NURSES, FORM_REFILL, "refill", PRIORITY_NORMAL,
	    { { 'n', "Last visit within the year, dose unchanged. Fine to renew for 90 days." }, { 'a', "Your refill was sent to your pharmacy. It should be ready tomorrow afternoon." },
	      { 'r', "Thank you, I picked it up." } }, 1 },
	{ "Charged twice", "I was charged twice for my visit on March 3. The receipts say $140 each. My member ID is {member}. Can somebody look at it?\n{name}", BILLING, FORM_BILL,
	    "billing", PRIORITY_NORMAL, { { 'a', "I see both charges. The second is being returned; it takes three to five days." }, { 'n', "Refund 2210 filed, batch of tonight." } }, 1 },
	{ "Portal locked", "The portal says my account is locked. My user name is the address I write from. I tried from home, then from work.", FRONT, FORM_OTHER, "portal", PRIORITY_LOW,
	    { { 'a', "Your account is open again. Please choose a new password with the link on the sign-in page." } }, 2 },
	{ "Records for my new doctor", "Please send my records to Dr. Fairweather, fax 312-555-0119. I was born {dob}, my address is {street}.\n{name}", FRONT, FORM_RECORDS, "records",
	    PRIORITY_NORMAL, { { 'n', "Release form is on file since January, good for a year." }, { 'a', "The records went out today by fax; the confirmation came back." } }, 1 },
	{ "Another time on {day}?", "I cannot come on Tuesday. Is there something free next week, best in the morning?", FRONT, FORM_OTHER, "appointment", PRIORITY_NORMAL,
	    { { 'a', "We have 9:20 and 11:00 on {day}. Which one do you like better?" } }, 0 },
	{ "New insurance from January", "My new insurance starts on 01/01. The member number is {member}. The old one ends in December. Do you need a picture of the card?", BILLING, FORM_BILL,
	    "insurance", PRIORITY_LOW, { { 'a', "The number is enough, thank you. We change it on the day." } }, 1 },
	{ "Question about my lab", "The A1C came back at 6.1, is that something to worry about? The order says MRN {mrn}.", NURSES, FORM_OTHER, "lab", PRIORITY_HIGH,
	    { { 'n', "Dr. Harrow: borderline, repeat in three months, no change of medication." }, { 'a', "Your doctor looked at it. We sent you the answer as a secure message." } }, 0 },
	{ "90 minutes of waiting", "I waited 90 minutes past my appointment and nobody told me anything. That is not acceptable.\n{name}, {phone}", FRONT, FORM_OTHER, "complaint", PRIORITY_HIGH,
	    { { 'a', "You are right, and we are sorry. We were one short that morning and should have told you." }, { 'r', "I appreciate the answer. Please do call next time." } }, -1 },
	{ "Pump shows E12", "My insulin pump, serial PX4-8829104, shows E12 since last night. What should I do? I am at {phone}.", NURSES, FORM_OTHER, "device", PRIORITY_URGENT,
	    { { 'n', "Called back within ten minutes, switched to pens, maker sends a new one." }, { 'a', "As said on the phone: please use the pens until the new pump comes on {day}." } }, 1 },
	{ "Thank you", "I just wanted to thank the nurses of the day clinic. You were wonderful with my mother.\n{name}", FRONT, FORM_OTHER, "praise", PRIORITY_LOW,
	    { { 'a', "How kind of you to write. We will tell them." } }, 1 },
	{ "Form for school sports", "My son needs the sports form signed by {day}. He was born 05/02/2014. Can I bring it in, or may I send it here?", FRONT, FORM_RECORDS, "forms", PRIORITY_NORMAL,
	    { { 'a', "You may send it here as a picture. The doctor signs on Wednesdays." }, { 'r', "Here it is, thank you." } }, 0 },
	{ "Side effect?", "Since I take the new tablets I am dizzy in the morning. Started the first of the month. Should I stop? {phone}", NURSES, FORM_REFILL, "medication", PRIORITY_HIGH,
	    { { 'n', "BP log 104/62. Dr. Harrow: half the dose, visit this week." }, { 'a', "Please take half a tablet from tonight on, and come in on {day} at 8:40." } }, 0 },
	{ "Explanation of benefits", "The letter of my insurance says I owe $312.40, you say $80. Which is right? Claim for member {member}.", BILLING, FORM_BILL, "billing", PRIORITY_NORMAL,
	    { { 'n', "They processed it as out of network. Resubmitted with the right NPI." }, { 'a', "They used the wrong list. Please pay nothing yet, we sent it in again." } }, 0 },
	{ "Interpreter for my visit", "Mi madre viene el {day}. ¿Puede haber un intérprete? Se llama {name}, nació el {dob}.", FRONT, FORM_OTHER, "interpreter", PRIORITY_NORMAL,
	    { { 'a', "Sí, hay una intérprete ese día. Por favor lleguen diez minutos antes." } }, 1 },
	{ "Wheelchair ramp", "Is there a ramp at the side door? The front one was closed on my last visit.", FRONT, FORM_OTHER, "access", PRIORITY_LOW,
	    { { 'a', "The side door has one, and the bell beside it is answered by the front desk." } }, 2 },
	{ "Vaccination record", "For work I need my vaccinations of the last ten years. {name}, born {dob}, {street}.", FRONT, FORM_RECORDS, "records", PRIORITY_NORMAL,
	    { { 'a', "They are in the portal now, under Documents." } }, 1 },
	{ "Payment plan", "I cannot pay the $960 at once. Is there a plan? I lost my job last month.", BILLING, FORM_BILL, "billing", PRIORITY_NORMAL,
	    { { 'n', "Qualifies for the 12 month plan, no interest. Form sent." }, { 'a', "Yes. With twelve payments it is $80 a month, and nothing is added." }, { 'r', "That helps a lot." } }, 1 },
	{ "Cancel {day}", "Please cancel my appointment, I have a fever. I will call for a new one.", FRONT, FORM_OTHER, "appointment", PRIORITY_LOW,
	    { { 'a', "Cancelled, and get well soon. Please call if it goes above 103." } }, 0 },
	{ "Allergy to add", "At another clinic I reacted to amoxicillin. Please put it into my chart, MRN {mrn}.", NURSES, FORM_OTHER, "chart", PRIORITY_HIGH,
	    { { 'n', "Added, with the date. Pharmacy told." }, { 'a', "It is in your chart and your pharmacy knows." } }, 1 },
	{ "Two patients, one letter", "I got a letter with somebody else's name in it beside mine. I have not read it. What shall I do with it? {phone}", FRONT, FORM_OTHER, "privacy", PRIORITY_URGENT,
	    { { 'n', "Mail house put two sheets into one envelope. Privacy office told, incident opened." }, { 'a', "Thank you for telling us. Please keep it closed; somebody will pick it up today." } }, 0 },
};
const int demo_case_count = (int)COUNT(demo_cases);

const struct demo_article demo_articles[] = {
	{ 0, 0, true, false, "Where to park", "Dónde aparcar", "<h2>By car</h2><p>Level <b>B</b> of the north garage is free for patients for three hours. Bring the ticket to the front desk.</p>"
	    "<h2>With a wheelchair</h2><p>The side door on Juniper Street has a ramp and a bell.</p>", "<p>El nivel <b>B</b> del garaje norte es gratuito tres horas. Traiga el boleto a la recepción.</p>" },
	{ 0, 0, false, false, "What to bring to your first visit", "Qué traer a la primera visita", "<ul><li>Your insurance card and a photo ID.</li><li>A list of your medicines, with doses.</li><li>The names of your other doctors.</li></ul>",
	    "<ul><li>Su tarjeta de seguro y una identificación.</li><li>La lista de sus medicinas.</li></ul>" },
	{ 0, 1, false, false, "Changing or cancelling an appointment", "Cambiar o cancelar una cita", "<p>Please tell us a day before, here or by phone. There is no charge when you do.</p>", "<p>Avísenos un día antes, aquí o por teléfono. No hay cargo.</p>" },
	{ 1, 2, true, false, "How to ask for a refill", "Cómo pedir una receta", "<ol><li>Choose <em>Refill</em> when you ask.</li><li>Tell us the medicine and how many days are left.</li><li>We answer within one working day.</li></ol><p>When none is left, call instead.</p>",
	    "<ol><li>Elija <em>Receta</em>.</li><li>Díganos la medicina y cuántos días quedan.</li></ol>" },
	{ 1, 2, false, true, "What your lab results mean", NULL, "<p>A value outside the range is not always a reason to worry. Your doctor writes a line to each result; it is beside the value in the portal.</p>", NULL },
	{ 2, 3, true, false, "Reading your bill", "Entender su factura", "<table><tr><th>Line</th><th>What it is</th></tr><tr><td>Charge</td><td>What the visit costs</td></tr><tr><td>Adjusted</td><td>What your insurance agreed on with us</td></tr><tr><td>You owe</td><td>What is left for you</td></tr></table>",
	    "<p>«You owe» es lo que le corresponde pagar.</p>" },
	{ 2, 3, false, false, "Paying in parts", "Pagar a plazos", "<p>For bills above $200 there is a plan of up to twelve months. Nothing is added.</p>", "<p>Para facturas de más de $200 hay un plan de hasta doce meses.</p>" },
	{ 2, 4, false, false, "How we keep what you write", "Cómo guardamos lo que escribe", "<p>What you write here is encrypted and every look at it is recorded. Our mails hold no details; you read our answers here.</p>",
	    "<p>Lo que escribe aquí se cifra y cada lectura queda registrada.</p>" },
};
const int demo_article_count = (int)COUNT(demo_articles);
