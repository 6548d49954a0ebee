/* paste.c - what people paste: HL7 segments, tables with a head, keys with values.
 *
 *   PID|1||4477120^^^GH^MR||DRAKE^SELMA^R||19610423     a field's place in its segment
 *   last_name,dob\nKuehl,1960-02-01                     the head of its column
 *   {"family":"Kuehl"}  lname=Kuehl&zip=05641  <dob>19600201</dob>   its key
 *
 * says what a value is better than the words around it, which are none. Values
 * must still look their part: a number of letters or digits by kind. A head or
 * key that things have as well ("name", "id") counts only beside one that only
 * people have (dob, mrn, phone). Fields of HL7 by the tables of chapter 3 and 4
 * of version 2.5; repetitions (~) and components (^) as they come.
 */
#include "engine.h"

enum { GENERIC = 0x40, ROLE = 0xc0, KIND = 0x3f };   /* ROLE is generic, and two make a table */

/* Heads and keys, small letters and digits only. GENERIC ones need company. */
static const struct { const char *key; uint8_t n, kind; } keys[] = {
#define K(z, k) { z, sizeof(z) - 1, k }
	K("name", PHI_NAME | GENERIC), K("names", PHI_NAME | GENERIC), K("fullname", PHI_NAME), K("patient", PHI_NAME | ROLE),
	K("pt", PHI_NAME | ROLE), K("dr", PHI_NAME | ROLE), K("md", PHI_NAME | ROLE), K("rn", PHI_NAME | ROLE), K("agent", PHI_NAME | ROLE),
	K("patientname", PHI_NAME), K("ptname", PHI_NAME), K("membername", PHI_NAME), K("firstname", PHI_NAME), K("first", PHI_NAME | GENERIC),
	K("last", PHI_NAME | GENERIC), K("lastname", PHI_NAME), K("fname", PHI_NAME), K("lname", PHI_NAME), K("middlename", PHI_NAME),
	K("mname", PHI_NAME), K("surname", PHI_NAME), K("givenname", PHI_NAME), K("given", PHI_NAME | GENERIC), K("family", PHI_NAME | GENERIC),
	K("familyname", PHI_NAME), K("maidenname", PHI_NAME), K("nickname", PHI_NAME), K("preferredname", PHI_NAME), K("contactname", PHI_NAME),
	K("guarantor", PHI_NAME | ROLE), K("guarantorname", PHI_NAME), K("subscriber", PHI_NAME | ROLE), K("subscribername", PHI_NAME),
	K("provider", PHI_NAME | ROLE), K("providername", PHI_NAME), K("physician", PHI_NAME | ROLE), K("doctor", PHI_NAME | ROLE),
	K("attending", PHI_NAME | ROLE), K("pcp", PHI_NAME | ROLE), K("nurse", PHI_NAME | ROLE), K("employee", PHI_NAME | ROLE),
	K("employeename", PHI_NAME), K("student", PHI_NAME | ROLE), K("studentname", PHI_NAME), K("child", PHI_NAME | ROLE),
	K("childname", PHI_NAME), K("parent", PHI_NAME | ROLE), K("guardian", PHI_NAME | ROLE), K("mother", PHI_NAME | ROLE),
	K("father", PHI_NAME | ROLE), K("spouse", PHI_NAME | ROLE), K("caller", PHI_NAME | ROLE), K("callername", PHI_NAME),
	K("emergencycontact", PHI_NAME | ROLE), K("fn", PHI_NAME | GENERIC), K("ln", PHI_NAME | GENERIC), K("cardholder", PHI_NAME),
	K("nameoncard", PHI_NAME), K("agentname", PHI_NAME), K("displayname", PHI_NAME), K("signature", PHI_NAME | GENERIC),
	K("requester", PHI_NAME | ROLE), K("requestername", PHI_NAME), K("customername", PHI_NAME), K("member", PHI_NAME | ROLE),
	K("dob", PHI_DATE), K("birthdate", PHI_DATE), K("dateofbirth", PHI_DATE), K("birthday", PHI_DATE), K("born", PHI_DATE),
	K("bdate", PHI_DATE), K("dos", PHI_DATE), K("dateofservice", PHI_DATE), K("servicedate", PHI_DATE), K("visitdate", PHI_DATE),
	K("admitdate", PHI_DATE), K("dischargedate", PHI_DATE), K("appt", PHI_DATE | GENERIC), K("apptdate", PHI_DATE),
	K("appointment", PHI_DATE | GENERIC), K("date", PHI_DATE | GENERIC), K("deathdate", PHI_DATE), K("hiredate", PHI_DATE),
	K("phone", PHI_PHONE), K("phonenumber", PHI_PHONE), K("telephone", PHI_PHONE), K("tel", PHI_PHONE), K("mobile", PHI_PHONE),
	K("cell", PHI_PHONE), K("cellphone", PHI_PHONE), K("homephone", PHI_PHONE), K("workphone", PHI_PHONE), K("contactnumber", PHI_PHONE),
	K("contactno", PHI_PHONE), K("callback", PHI_PHONE), K("phone1", PHI_PHONE), K("phone2", PHI_PHONE), K("ph", PHI_PHONE),
	K("fax", PHI_FAX), K("faxnumber", PHI_FAX), K("email", PHI_EMAIL), K("emailaddress", PHI_EMAIL), K("mail", PHI_EMAIL),
	K("ssn", PHI_SSN), K("socialsecurity", PHI_SSN), K("socialsecuritynumber", PHI_SSN), K("ssn4", PHI_SSN), K("last4ssn", PHI_SSN),
	K("mrn", PHI_MRN), K("medicalrecordnumber", PHI_MRN), K("patientid", PHI_MRN), K("patid", PHI_MRN), K("chart", PHI_MRN | GENERIC),
	K("chartno", PHI_MRN), K("chartnumber", PHI_MRN), K("medrec", PHI_MRN), K("uhid", PHI_MRN), K("pid", PHI_MRN | GENERIC),
	K("memberid", PHI_HEALTHPLAN), K("memberno", PHI_HEALTHPLAN), K("membernumber", PHI_HEALTHPLAN), K("subscriberid", PHI_HEALTHPLAN),
	K("policy", PHI_HEALTHPLAN | GENERIC), K("policynumber", PHI_HEALTHPLAN), K("policyno", PHI_HEALTHPLAN), K("groupnumber", PHI_HEALTHPLAN),
	K("groupno", PHI_HEALTHPLAN), K("groupid", PHI_HEALTHPLAN | GENERIC), K("plan", PHI_HEALTHPLAN | GENERIC), K("planid", PHI_HEALTHPLAN),
	K("insuranceid", PHI_HEALTHPLAN), K("claim", PHI_HEALTHPLAN | GENERIC), K("claimid", PHI_HEALTHPLAN), K("claimnumber", PHI_HEALTHPLAN),
	K("medicaid", PHI_HEALTHPLAN), K("medicaidid", PHI_HEALTHPLAN), K("mbi", PHI_HEALTHPLAN), K("hicn", PHI_HEALTHPLAN),
	K("account", PHI_ACCOUNT | GENERIC), K("accountnumber", PHI_ACCOUNT), K("accountno", PHI_ACCOUNT), K("acct", PHI_ACCOUNT),
	K("acctno", PHI_ACCOUNT), K("acctnumber", PHI_ACCOUNT), K("cardnumber", PHI_ACCOUNT), K("iban", PHI_ACCOUNT), K("routing", PHI_ACCOUNT),
	K("npi", PHI_LICENSE), K("dea", PHI_LICENSE), K("license", PHI_LICENSE | GENERIC), K("licensenumber", PHI_LICENSE),
	K("licenseno", PHI_LICENSE), K("driverslicense", PHI_LICENSE), K("passport", PHI_LICENSE), K("dln", PHI_LICENSE), K("plate", PHI_VEHICLE),
	K("vin", PHI_VEHICLE), K("licenseplate", PHI_VEHICLE), K("serial", PHI_DEVICE | GENERIC), K("serialnumber", PHI_DEVICE),
	K("serialno", PHI_DEVICE), K("imei", PHI_DEVICE), K("mac", PHI_DEVICE), K("deviceid", PHI_DEVICE), K("ip", PHI_IP), K("ipaddress", PHI_IP),
	K("clientip", PHI_IP), K("address", PHI_LOCATION | GENERIC), K("address1", PHI_LOCATION), K("address2", PHI_LOCATION),
	K("addr", PHI_LOCATION | GENERIC), K("street", PHI_LOCATION), K("streetaddress", PHI_LOCATION), K("homeaddress", PHI_LOCATION),
	K("line", PHI_LOCATION | GENERIC), K("line1", PHI_LOCATION | GENERIC), K("city", PHI_LOCATION), K("town", PHI_LOCATION),
	K("county", PHI_LOCATION), K("zip", PHI_LOCATION), K("zipcode", PHI_LOCATION), K("postalcode", PHI_LOCATION), K("postcode", PHI_LOCATION),
	K("facility", PHI_FACILITY), K("facilityname", PHI_FACILITY), K("hospital", PHI_FACILITY), K("clinic", PHI_FACILITY | GENERIC),
	K("school", PHI_FACILITY), K("pharmacy", PHI_FACILITY | GENERIC), K("employeeid", PHI_OTHERID), K("empid", PHI_OTHERID),
	K("studentid", PHI_OTHERID), K("username", PHI_OTHERID), K("userid", PHI_OTHERID), K("login", PHI_OTHERID | GENERIC),
	K("encounter", PHI_OTHERID | GENERIC), K("encounterid", PHI_OTHERID), K("accession", PHI_OTHERID), K("specimenid", PHI_OTHERID),
	K("specimen", PHI_OTHERID | GENERIC), K("rxnumber", PHI_OTHERID), K("visitnumber", PHI_OTHERID), K("csn", PHI_OTHERID),
	K("nhsnumber", PHI_OTHERID), K("photo", PHI_PHOTO | GENERIC),
	/* of other languages, as normalisation leaves them */
	K("nombre", PHI_NAME), K("apellido", PHI_NAME), K("apellidos", PHI_NAME), K("nombrecompleto", PHI_NAME), K("paciente", PHI_NAME | ROLE),
	K("prenom", PHI_NAME), K("nomdefamille", PHI_NAME), K("vorname", PHI_NAME), K("nachname", PHI_NAME), K("cognome", PHI_NAME),
	K("sobrenome", PHI_NAME), K("fechadenacimiento", PHI_DATE), K("fechanacimiento", PHI_DATE), K("datedenaissance", PHI_DATE),
	K("geburtsdatum", PHI_DATE), K("geboren", PHI_DATE), K("datadinascita", PHI_DATE), K("datadenascimento", PHI_DATE),
	K("telefono", PHI_PHONE), K("telefon", PHI_PHONE), K("telefone", PHI_PHONE), K("celular", PHI_PHONE), K("movil", PHI_PHONE),
	K("correo", PHI_EMAIL), K("courriel", PHI_EMAIL), K("direccion", PHI_LOCATION), K("adresse", PHI_LOCATION), K("strasse", PHI_LOCATION),
	K("calle", PHI_LOCATION), K("plz", PHI_LOCATION), K("ort", PHI_LOCATION), K("ciudad", PHI_LOCATION), K("ville", PHI_LOCATION),
	K("codigopostal", PHI_LOCATION), K("codepostal", PHI_LOCATION), K("versichertennr", PHI_HEALTHPLAN), K("versichertennummer", PHI_HEALTHPLAN),
	K("poliza", PHI_HEALTHPLAN), K("expediente", PHI_MRN), K("curp", PHI_OTHERID), K("aadhaar", PHI_OTHERID),
#undef K
};

/* patient_last_name, mother's maiden name, home_zip */
static const struct { const char *tail; uint8_t n, kind; } tails[] = {
	{ "firstname", 9, PHI_NAME }, { "lastname", 8, PHI_NAME }, { "fullname", 8, PHI_NAME }, { "maidenname", 10, PHI_NAME },
	{ "birthdate", 9, PHI_DATE }, { "dob", 3, PHI_DATE }, { "phone", 5, PHI_PHONE }, { "email", 5, PHI_EMAIL },
	{ "zip", 3, PHI_LOCATION }, { "street", 6, PHI_LOCATION }, { "city", 4, PHI_LOCATION }, { "ssn", 3, PHI_SSN },
	{ "memberid", 8, PHI_HEALTHPLAN }, { "npi", 3, PHI_LICENSE },
};

/* Which lengths keys have, by their first letter, and the last letters of tails. */
void
phi_paste_keys(struct phi *p)
{
	_Static_assert(COUNTOF(keys) < COUNTOF(p->key_next) && COUNTOF(keys) < UINT8_MAX, "room");
	for (size_t i = COUNTOF(keys); i-- > 0;) {
		unsigned c = keys[i].key[0] & 31;
		p->key_lengths[c] |= 1u << keys[i].n;
		p->key_next[i] = p->key_first[c];
		p->key_first[c] = (uint8_t)(i + 1);
	}
	for (size_t i = 0; i < COUNTOF(tails); i++)
		p->key_ends |= 1u << (tails[i].tail[tails[i].n - 1] & 31);
}

static int
key_of(const struct scan *s, size_t at, size_t end)
{
	const char *p = s->t + at;
	char k[25];
	uint8_t m = 0;
	size_t n = end - at;
	if (end <= at || n > 40)
		return -1;
	/* From how many letters and digits it has, the first and the last: no key, mostly. */
	uint64_t in = phi_bits(s->alnum, at) & ((1ull << n) - 1);
	unsigned count = (unsigned)__builtin_popcountll(in);
	if (count < 2 || count > sizeof k - 1)
		return -1;
	const uint32_t *lengths = s->phi->key_lengths;
	if (!(lengths[p[__builtin_ctzll(in)] & 31] >> count & 1) && !(s->phi->key_ends >> (p[63 - __builtin_clzll(in)] & 31) & 1))
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (!is_alnum_(c))
			continue;
		k[m++] = (char)(is_letter(c) ? c | 0x20 : c);
	}
	for (unsigned i = lengths[k[0] & 31] >> m & 1 ? s->phi->key_first[k[0] & 31] : 0; i > 0; i = s->phi->key_next[i - 1])
		if (keys[i - 1].n == m && keys[i - 1].key[m - 1] == k[m - 1] && !memcmp(keys[i - 1].key, k, m))
			return keys[i - 1].kind;
	for (size_t i = 0; i < COUNTOF(tails); i++)
		if (m > tails[i].n + 2 && k[m - 1] == tails[i].tail[tails[i].n - 1] && !memcmp(k + m - tails[i].n, tails[i].tail, tails[i].n))
			return tails[i].kind;
	return -1;
}

/* Does the value look the part? */
static bool
fits(const struct scan *s, size_t at, size_t end, int kind)
{
	unsigned digits = 0, letters = 0, mail = 0;
	if (end - at > 120)
		return false;
	for (size_t i = at; i < end; i++) {
		unsigned char c = (unsigned char)s->t[i];
		digits += is_digit(c), letters += is_letter(c), mail += c == '@';
	}
	switch (kind) {
	case PHI_NAME: case PHI_FACILITY: {
		if (letters < 2 || (kind == PHI_NAME && digits))
			return false;
		/* n/a, none, Customer Service: each word one that no name has. */
		unsigned words = 0, plain = 0;
		for (size_t i = token_from(s, at); i < s->ntok && s->tok[i].at < end; i++) {
			const struct tok *k = &s->tok[i];
			if (k->type != T_WORD)
				continue;
			words++;
			plain += k->ctx & s->phi->wc[W_NOTNAME] || LEX_COMMON(k->lex) == 3 || (k->lex & LEX_MEDICAL && LEX_SUR(k->lex) < 3) ||
			    (LEX_COMMON(k->lex) && !LEX_GIVEN(k->lex) && !LEX_SUR(k->lex)) || (k->len == 1 && end - at < 4);
		}
		return words > 0 && words < 8 && plain < words;
	}
	case PHI_DATE: return digits >= 3 || (digits > 0 && letters >= 3);
	case PHI_PHONE: case PHI_FAX: return digits >= 7;
	case PHI_EMAIL: return mail == 1;
	case PHI_SSN: return digits >= 4 && letters < 4;
	case PHI_LOCATION: return letters + digits >= 3 && (digits || letters >= 3);
	case PHI_IP: return digits >= 4;
	case PHI_PHOTO: return letters >= 3;
	default: return digits >= 1 && digits + letters >= 3;
	}
}

static void
add(struct scan *s, size_t at, size_t end, int kind, int score, int rule)
{
	while (at < end && !is_alnum_((unsigned char)s->t[at]) && s->t[at] != '(' && s->t[at] != '+' && s->t[at] != '#')
		at++;
	while (end > at && !is_alnum_((unsigned char)s->t[end - 1]))
		end--;
	if (end > at && fits(s, at, end, kind))
		cand_add(s, at, end, kind, score, rule);
}

/* ---- HL7 version 2 ---------------------------------------------------------------------------------- */

static const struct { char seg[4]; uint8_t field, kind; } fields[] = {
	{ "MSH", 4, PHI_FACILITY }, { "MSH", 6, PHI_FACILITY }, { "MSH", 7, PHI_DATE }, { "MSH", 10, PHI_OTHERID },
	{ "EVN", 2, PHI_DATE }, { "EVN", 3, PHI_DATE }, { "EVN", 5, PHI_NAME }, { "EVN", 6, PHI_DATE },
	{ "PID", 2, PHI_MRN }, { "PID", 3, PHI_MRN }, { "PID", 4, PHI_MRN }, { "PID", 5, PHI_NAME }, { "PID", 6, PHI_NAME },
	{ "PID", 7, PHI_DATE }, { "PID", 9, PHI_NAME }, { "PID", 11, PHI_LOCATION }, { "PID", 12, PHI_LOCATION }, { "PID", 13, PHI_PHONE },
	{ "PID", 14, PHI_PHONE }, { "PID", 18, PHI_ACCOUNT }, { "PID", 19, PHI_SSN }, { "PID", 20, PHI_LICENSE }, { "PID", 21, PHI_MRN },
	{ "PID", 23, PHI_LOCATION }, { "PID", 29, PHI_DATE }, { "PD1", 3, PHI_FACILITY }, { "PD1", 4, PHI_NAME },
	{ "NK1", 2, PHI_NAME }, { "NK1", 4, PHI_LOCATION }, { "NK1", 5, PHI_PHONE }, { "NK1", 6, PHI_PHONE }, { "NK1", 16, PHI_DATE },
	{ "PV1", 7, PHI_NAME }, { "PV1", 8, PHI_NAME }, { "PV1", 9, PHI_NAME }, { "PV1", 17, PHI_NAME }, { "PV1", 19, PHI_OTHERID },
	{ "PV1", 44, PHI_DATE }, { "PV1", 45, PHI_DATE }, { "PV1", 50, PHI_OTHERID }, { "PV2", 8, PHI_DATE }, { "PV2", 9, PHI_DATE },
	{ "IN1", 2, PHI_HEALTHPLAN }, { "IN1", 5, PHI_LOCATION }, { "IN1", 7, PHI_PHONE }, { "IN1", 8, PHI_HEALTHPLAN }, { "IN1", 12, PHI_DATE },
	{ "IN1", 13, PHI_DATE }, { "IN1", 14, PHI_HEALTHPLAN }, { "IN1", 16, PHI_NAME }, { "IN1", 18, PHI_DATE }, { "IN1", 19, PHI_LOCATION },
	{ "IN1", 36, PHI_HEALTHPLAN }, { "IN1", 49, PHI_HEALTHPLAN }, { "IN2", 2, PHI_SSN }, { "IN2", 6, PHI_HEALTHPLAN },
	{ "GT1", 2, PHI_ACCOUNT }, { "GT1", 3, PHI_NAME }, { "GT1", 4, PHI_NAME }, { "GT1", 5, PHI_LOCATION }, { "GT1", 6, PHI_PHONE },
	{ "GT1", 7, PHI_PHONE }, { "GT1", 8, PHI_DATE }, { "GT1", 12, PHI_SSN }, { "ORC", 2, PHI_OTHERID }, { "ORC", 3, PHI_OTHERID },
	{ "ORC", 9, PHI_DATE }, { "ORC", 10, PHI_NAME }, { "ORC", 11, PHI_NAME }, { "ORC", 12, PHI_NAME }, { "OBR", 2, PHI_OTHERID },
	{ "OBR", 3, PHI_OTHERID }, { "OBR", 6, PHI_DATE }, { "OBR", 7, PHI_DATE }, { "OBR", 8, PHI_DATE }, { "OBR", 10, PHI_NAME },
	{ "OBR", 14, PHI_DATE }, { "OBR", 16, PHI_NAME }, { "OBR", 22, PHI_DATE }, { "OBR", 28, PHI_NAME }, { "OBR", 32, PHI_NAME },
	{ "OBX", 14, PHI_DATE }, { "OBX", 16, PHI_NAME }, { "DG1", 5, PHI_DATE }, { "DG1", 16, PHI_NAME }, { "AL1", 6, PHI_DATE },
	{ "RXA", 3, PHI_DATE }, { "RXA", 4, PHI_DATE }, { "RXA", 10, PHI_NAME }, { "RXA", 15, PHI_DEVICE }, { "SCH", 1, PHI_OTHERID },
	{ "SCH", 2, PHI_OTHERID }, { "SCH", 11, PHI_DATE }, { "SCH", 12, PHI_NAME }, { "SCH", 16, PHI_NAME }, { "AIP", 3, PHI_NAME },
	{ "TXA", 4, PHI_DATE }, { "TXA", 5, PHI_NAME }, { "TXA", 9, PHI_NAME }, { "TXA", 12, PHI_OTHERID }, { "ROL", 4, PHI_NAME },
	{ "ACC", 1, PHI_DATE }, { "MRG", 1, PHI_MRN }, { "MRG", 3, PHI_ACCOUNT },
};

/* One repetition of a field. */
static void
field(struct scan *s, size_t at, size_t end, int kind)
{
	size_t part[9], n = 0;
	part[n++] = at;
	for (size_t i = at; i < end && n < 8; i++)
		if (s->t[i] == '^')
			part[n++] = i + 1;
	part[n] = end + 1;
	int rule = s->phi->r_hl7;
	switch (kind) {
	case PHI_NAME: {
		/* 1679576722^LAST^FIRST^M: a number before the name is the person's licence. */
		size_t from = 0, to = 0, cells = 0;
		for (size_t i = part[0]; i + 1 < part[1]; i++)
			from |= is_digit((unsigned char)s->t[i]);
		if (from)
			add(s, part[0], part[1] - 1, PHI_LICENSE, 90, rule);
		for (size_t i = from; i < n && i < from + 5; i++)
			if (part[i + 1] - 1 > part[i] && is_letter((unsigned char)s->t[part[i]]))
				to = i + 1, cells++;
		if (to > from && part[from] < part[to] - 1 && (cells > 1 || n == 1 || LEX_COMMON(s->tok[token_from(s, part[from])].lex) < 2))
			cand_add(s, part[from], part[to] - 1, PHI_NAME, 94, rule);
		break;
	}
	case PHI_LOCATION: add(s, at, (n > 5 ? part[5] : part[n]) - 1, kind, 94, rule); break;
	case PHI_PHONE:
		/* XTN: ^PRN^PH^^^509^5550162, or the old (509)555-0162^PRN */
		add(s, at, (part[1] - 1 > at ? part[1] : part[n]) - 1, kind, 92, rule);
		break;
	case PHI_SSN: case PHI_DATE: add(s, at, part[1] - 1, kind, 93, rule); break;
	default: add(s, at, part[1] - 1, kind, 92, rule);
	}
}

/* A segment from its name at `i` to the end of the line. */
static void
segment(struct scan *s, size_t i, size_t end)
{
	const char *seg = s->t + i;
	unsigned n = !memcmp(seg, "MSH", 3) ? 1 : 0;
	size_t at = i + 4;
	for (size_t k = i + 3; k <= end; k++)
		if (k == end || s->t[k] == '|') {
			if (n && k > at)
				for (size_t f = 0; f < COUNTOF(fields); f++)
					if (fields[f].field == n && !memcmp(fields[f].seg, seg, 3))
						for (size_t a = at, b; a < k; a = b + 1) {
							for (b = a; b < k && s->t[b] != '~'; b++)
								;
							field(s, a, b, fields[f].kind);
						}
			n++;
			at = k + 1;
		}
}

static bool
known_segment(const char *p)
{
	if (p[3] != '|')
		return false;
	for (size_t f = 0; f < COUNTOF(fields); f++)
		if (!memcmp(fields[f].seg, p, 3))
			return true;
	return false;
}

/* ---- tables ------------------------------------------------------------------------------------------- */

#define CELLS 40
struct cell { size_t at, end; };

/* The cells of a line; a | at its ends is a frame, not a cell. */
static unsigned
cells_of(const struct scan *s, size_t at, size_t end, char sep, struct cell *c, unsigned max)
{
	unsigned n = 0;
	while (at < end && s->t[at] == ' ')
		at++;
	while (end > at && (s->t[end - 1] == ' '))
		end--;
	if (sep == '|' && at < end && s->t[at] == '|')
		at++;
	if (sep == '|' && end > at && s->t[end - 1] == '|')
		end--;
	while (n < max) {
		size_t e = at;
		while (e < end && s->t[e] == ' ')
			e++;
		if (e < end && s->t[e] == '"') {
			size_t q = e + 1;
			while (q < end && s->t[q] != '"')
				q++;
			if (q < end)
				e = q;
		}
		while (e < end && s->t[e] != sep)
			e++;
		size_t a = at, b = e;
		while (a < b && (s->t[a] == ' ' || s->t[a] == '"'))
			a++;
		while (b > a && (s->t[b - 1] == ' ' || s->t[b - 1] == '"'))
			b--;
		c[n++] = (struct cell){ a, b };
		if (e >= end)
			break;
		at = e + 1;
	}
	return n;
}

static size_t
line_end(const struct scan *s, size_t at)
{
	const char *nl = memchr(s->t + at, '\n', s->tn - at);
	return nl ? (size_t)(nl - s->t) : s->tn;
}

/* Is the line the head of a table? Then all rows below it; returns where they end. */
static size_t
table(struct scan *s, size_t at, size_t end, char sep)
{
	struct cell c[CELLS];
	int kind[CELLS];
	/* Most lines with a comma are none: two cells tell. */
	unsigned n = cells_of(s, at, end, sep, c, 2), sure = 0, generic = 0, roles = 0;
	if (n < 2 || (key_of(s, c[0].at, c[0].end) < 0 && key_of(s, c[1].at, c[1].end) < 0))
		return at;
	n = cells_of(s, at, end, sep, c, CELLS);
	for (unsigned i = 0; i < n; i++) {
		kind[i] = key_of(s, c[i].at, c[i].end);
		if (kind[i] >= 0)
			kind[i] & GENERIC ? generic++ : sure++, roles += (kind[i] & ROLE) == ROLE;
	}
	/* A tab is no punctuation: there one head of three that says so is enough. */
	if ((sure == 0 && roles == 0 && !(sep == '\t' && generic)) || sure + generic < (sep == '\t' && n > 2 ? 1 : 2))
		return at;
	size_t row = end;
	while (row < s->tn) {
		size_t from = row + 1, to;
		if (from >= s->tn)
			break;
		to = line_end(s, from);
		struct cell r[CELLS];
		unsigned m = cells_of(s, from, to, sep, r, CELLS);
		if (m < 2)
			break;
		for (unsigned i = 0; i < n && i < m; i++)
			if (kind[i] >= 0 && r[i].end > r[i].at)
				add(s, r[i].at, r[i].end, kind[i] & KIND, 90, s->phi->r_table);
		row = to;
	}
	return row;
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

struct pair { size_t at, end; int kind; };

static bool
key_char(unsigned char c)
{
	return is_alnum_(c) || c == '_' || c == '-' || c == '.';
}

/* A key ends before `i`, which is at the quote, = or > behind it; its value begins at or behind `v`. */
static bool
pair(const struct scan *s, size_t i, size_t v, char how, struct pair *p)
{
	size_t k = i;
	while (k > 0 && i - k < 33 && key_char((unsigned char)s->t[k - 1]))
		k--;
	if (k == i || i - k > 32)
		return false;
	if (how == '"' && (k == 0 || s->t[k - 1] != '"'))
		return false;
	if (how == '>' && (k == 0 || s->t[k - 1] != '<'))
		return false;
	int kind = key_of(s, k, i);
	if (kind < 0)
		return false;
	size_t e;
	if (how == '>')
		for (e = v; e < s->tn && e - v < 121 && s->t[e] != '<' && s->t[e] != '\n'; e++)
			;
	else if (s->t[v] == '"' || (how == '=' && s->t[v] == '\'')) {
		char q = s->t[v++];
		for (e = v; e < s->tn && e - v < 121 && s->t[e] != q && s->t[e] != '\n'; e++)
			;
	} else if (how == '=')
		for (e = v; e < s->tn && e - v < 121 && !(phi_cls[(unsigned char)s->t[e]] & C_BLANK) && !strchr("&;<>\"", s->t[e]); e++)
			;
	else
		for (e = v; e < s->tn && e - v < 121 && (is_alnum_((unsigned char)s->t[e]) || s->t[e] == '.' || s->t[e] == '-'); e++)
			;
	*p = (struct pair){ v, e, kind };
	return e > v;
}

static void
pairs(struct scan *s)
{
	struct pair p[64];
	unsigned n = 0, sure = 0;
	for (size_t i = 0; n < COUNTOF(p);) {
		const char *next = strpbrk(s->t + i + 1, "\"=>");      /* the window has no NULs, and ends with some */
		if (!next || (i = (size_t)(next - s->t)) + 1 >= s->tn)
			break;
		char c = s->t[i];
		bool got = false;
		if (c == '"' && (s->t[i + 1] == ':' || (s->t[i + 1] == ' ' && s->t[i + 2] == ':'))) {
			size_t v = i + (s->t[i + 1] == ':' ? 2 : 3);
			while (v < s->tn && (s->t[v] == ' ' || s->t[v] == '['))
				v++;
			got = v < s->tn && pair(s, i, v, '"', &p[n]);
		} else if (c == '=' && s->t[i + 1] != ' ' && s->t[i + 1] != '=')
			got = pair(s, i, i + 1, '=', &p[n]);
		else if (c == '>' && s->t[i + 1] != '<')
			got = pair(s, i, i + 1, '>', &p[n]);
		if (got) {
			sure += !(p[n].kind & GENERIC);
			n++;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (!(p[i].kind & GENERIC) || sure)
			add(s, p[i].at, p[i].end, p[i].kind & KIND, p[i].kind & GENERIC ? 70 : 88, s->phi->r_pair);
}

static bool
quoted_key(const struct scan *s)
{
	const char *end = s->t + s->tn;
	for (const char *q = s->t; (q = memchr(q, '"', (size_t)(end - q))); q++)
		if (q[1] == ':' || (q[1] == ' ' && q[2] == ':'))
			return true;
	return false;
}

void
phi_pastes(struct scan *s)
{
	const char *t = s->t;
	static const char seps[] = { '|', ',', ';', '\t' };
	bool has[sizeof seps], bar;
	for (unsigned k = 0; k < sizeof seps; k++)
		has[k] = memchr(t, seps[k], s->tn) != NULL;
	bar = has[0];
	if (memchr(t, '=', s->tn) || memchr(t, '>', s->tn) || quoted_key(s))
		pairs(s);
	for (size_t at = 0; at < s->tn;) {
		size_t end = line_end(s, at), done = at;
		size_t first = at;
		while (first < end && (t[first] == ' ' || t[first] == '>'))
			first++;
		if (bar)
			for (size_t i = first; i + 4 < end; i++) {
				/* Lines may have been joined by blanks on their way. */
				const char *q = memchr(t + i, '|', end - i);
				if (!q)
					break;
				i = (size_t)(q - t);
				if (i >= first + 3 && known_segment(q - 3) && (i == first + 3 || !is_alnum_((unsigned char)q[-4]))) {
					size_t stop = end;
					for (const char *z = q + 1; (z = memchr(z, '|', (size_t)(t + end - z))); z++)
						if (z - 4 > q && (z[-4] == ' ' || z[-4] == 0x0d) && known_segment(z - 3)) {
							stop = (size_t)(z - t) - 4;
							break;
						}
					segment(s, i - 3, stop);
					i = stop > i ? stop - 1 : i;
				}
			}
		/* A head is short, and says so in its first or second cell. */
		if (end - first < 400 && end < s->tn) {
			for (unsigned k = 0; k < sizeof seps && done == at; k++)
				if (has[k] && memchr(t + first, seps[k], end - first))
					done = table(s, first, end, seps[k]);
			if (done == first)
				done = at;
		}
		at = (done > at ? done : end) + 1;
	}
}
