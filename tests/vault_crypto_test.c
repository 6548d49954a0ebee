/* Known answers: NIST CAVS gcmEncryptExtIV256.rsp, RFC 4231, FIPS 180-4, RFC 8032. */
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"
#include "vault/vault.h"

static size_t
unhex(const char *hex, unsigned char *out, size_t max)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= max);
	assert_true(hex_to(str_of(hex), out, n));
	return n;
}

#define BYTES(p, n) ((str){ (const char *)(p), (n) })

/* ---- AES-256-GCM --------------------------------------------------------------------------------- */

static const struct {
	const char *why, *key, *nonce, *aad, *plain, *cipher, *tag;
} gcm[] = {
	{ "nothing at all", "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
	  "516c33929df5a3284ff463d7", "", "", "", "bdc1ac884d332457a1d2664f168c76f0" },
	{ "nothing at all, another key", "5fe0861cdc2690ce69b3658c7f26f8458eec1c9243c5ba0845305d897e96ca0f",
	  "770ac1a5a3d476d5d96944a1", "", "", "", "196d691e1047093ca4b3d2ef4baba216" },
	{ "only associated data, 16 bytes", "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223",
	  "d79cf22d504cc793c3fb6c8a", "b96baa8c1c75a671bfb2d08d06be5f36", "", "",
	  "3e5d486aa2e30b22e040b85723a06e76" },
	{ "only associated data, 20 bytes", "886cff5f3e6b8d0e1ad0a38fcdb26de97e8acbe79f6bed66959a598fa5047d65",
	  "3a8efa1cd74bbab5448f9945", "519fee519d25c7a304d6c6aa1897ee1eb8c59655", "", "",
	  "f6d47505ec96c98a42dc3ae719877b87" },
	{ "only associated data, 48 bytes", "f4069bb739d07d0cafdcbc609ca01597f985c43db63bbaaa0debbb04d384e49c",
	  "d25ff30fdc3d464fe173e805", "3e1449c4837f0892f9d55127c75c4b25d69be334baf5f19394d2d8bb460cbf21"
	  "20e14736d0f634aa792feca20e455f11", "", "", "805ec2931c2181e5bfb74fa0a975f0cf" },
	{ "one block", "381873b5f9579d8241f0c61f0d9e327bb9f678691714aaa48ea7d92678d43fe7",
	  "3fc8bec23603158e012d65e5", "", "7b622e9b408fe91f6fa800ecef838d36",
	  "8ca4de5b4e2ab22431a009f3ddd01bae", "b3a7f80e3edf322622731550164cd747" },
	{ "one block, 16 bytes associated", "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
	  "ac93a1a6145299bde902f21a", "1e0889016f67601c8ebea4943bc23ad6", "2d71bcfa914e4ac045b2aa60955fad24",
	  "8995ae2e6df3dbf96fac7b7137bae67f", "eca5aa77d51d4a0a14d9c51e1da474ab" },
	{ "one block, 20 bytes associated", "83688deb4af8007f9b713b47cfa6c73e35ea7a3aa4ecdb414dded03bf7a0fd3a",
	  "0b459724904e010a46901cf3", "794a14ccd178c8ebfd1379dc704c5e208f9d8424",
	  "33d893a2114ce06fc15d55e454cf90c3", "cc66bee423e3fcd4c0865715e9586696",
	  "0fb291bd3dba94a1dfd8b286cfb97ac5" },
	{ "one block, 48 bytes associated", "e4fed339c7b0cd267305d11ab0d5c3273632e8872d35bdc367a1363438239a35",
	  "0365882cf75432cfd23cbd42", "8a97d2af5d41160ac2ff7dd8ba098e7aa4d618f0f455957d6a6d0801796747ba"
	  "57c32dfbaaaf15176528fe3a0e4550c9", "fff39a087de39a03919fbd2f2fa5f513",
	  "8d9e68f03f7e5f4a0ffaa7650d026d08", "3554542c478c0635285a61d1b51f6afa" },
	{ "two blocks, 16 bytes associated", "37ccdba1d929d6436c16bba5b5ff34deec88ed7df3d15d0f4ddf80c0c731ee1f",
	  "5c1b21c8998ed6299006d3f9", "22ed235946235a85a45bc5fad7140bfa",
	  "ad4260e3cdc76bcc10c7b2c06b80b3be948258e5ef20c508a81f51e96a518388",
	  "3b335f8b08d33ccdcad228a74700f1007542a4d1e7fc1ebe3f447fe71af29816",
	  "1fbf49cc46f458bf6e88f6370975e6d4" },
	{ "two blocks, 20 bytes associated", "5853c020946b35f2c58ec427152b840420c40029636adcbb027471378cfdde0f",
	  "eec313dd07cc1b3e6b068a47", "1389b522c24a774181700553f0246bbabdd38d6f",
	  "ce7458e56aef9061cb0c42ec2315565e6168f5a6249ffd31610b6d17ab64935e",
	  "eadc3b8766a77ded1a58cb727eca2a9790496c298654cda78febf0da16b6903b",
	  "3d49a5b32fde7eafcce90079217ffb57" },
	{ "two blocks, 48 bytes associated", "dc776f0156c15d032623854b625c61868e5db84b7b6f9fbd3672f12f0025e0f6",
	  "67130951c4a57f6ae7f13241", "fd0920faeb7b212932280a009bac969145e5c316cf3922622c3705c3457c4e9f"
	  "124b2076994323fbcfb523f8ed16d241", "9378a727a5119595ad631b12a5a6bc8a91756ef09c8d6eaa2b718fe86876da20",
	  "6d958c20870d401a3c1f7a0ac092c97774d451c09f7aae992a8841ff0ab9d60d",
	  "b876831b4ecd7242963b040aa45c4114" },
	{ "51 bytes, 90 bytes associated", "6be7f4d18ff0fbdd9b3b3cacaba4629a0c617387079add62f6ce1584b33faad1",
	  "fda568c9cb13d9c176bcef03", "11ebeb97dd4a9925c1fbe2b9af77392058d2d971e42db15da39f090d7bc13257"
	  "3c34bf7d92a2d72dc66ee6840c3ff07985b8976ee8d8f36bf47ae330b899fdc60652dd5a23c45f3680f11951f019e069"
	  "7c8acfcaa95f01b9c7dd", "4df668e99d5068604a48bcca5baa8245435928558a83d68d7b0b081861224e9bd39ea8f2"
	  "d55a635949e66c6f6a7ff5cc34dd94", "488b40ad594e1845ccdd9e9467fc5e1afbbfde34e57d45bfcd30b61cc326d57f"
	  "e8e3f31a39cdebf00f60bbd2c3cdf69f756eff", "3bf3fbab9b48486fd08a5552604df639" },
	{ "51 bytes, 90 bytes associated, another key",
	  "882068be4552d7ad224fc8fa2af00d6abf76ccf1a7689d75f6f0e9bd82c1215e", "890a5315992f12674d1c8018",
	  "916721df816b1cad531dee8e4a8e634d43ed87db99609bcc986d16bfac2cff577d536d749a5c3625de53c5351825c228"
	  "911f0a64be1fc9738a26394efe5332c0762bf59b65d3f1c5aafa9ca2e63eccd59568e6c0269950911a71",
	  "8464c03e0280cb1f63c054a24a050e980f60cc7313f09f2092c45d77bbe9ad2a8c1f6cdca2acd8c57c87e887edadb66b"
	  "cb66c4", "020e297d907177dba12dde4bfe1b0ff9b6a9d9db0695193e4181449e157137b59b488616ba151b06d889f849"
	  "8ce373d2396ab9", "e48537ecb27460b477a6e7c3463dbcb0" },
};

static void
run_gcm(void **state)
{
	size_t i = ROW(state), aad_n, n, sealed_n;
	unsigned char key[32], nonce[12], aad[128], plain[64], want[80], got[80], back[64];

	unhex(gcm[i].key, key, sizeof(key));
	unhex(gcm[i].nonce, nonce, sizeof(nonce));
	aad_n = unhex(gcm[i].aad, aad, sizeof(aad));
	n = unhex(gcm[i].plain, plain, sizeof(plain));
	sealed_n = unhex(gcm[i].cipher, want, sizeof(want));
	sealed_n += unhex(gcm[i].tag, want + sealed_n, sizeof(want) - sealed_n);
	assert_int_equal(sealed_n, n + 16);

	assert_int_equal(gcm_seal(key, nonce, BYTES(aad, aad_n), BYTES(plain, n), got), OK);
	assert_memory_equal(got, want, sealed_n);
	assert_int_equal(gcm_open(key, nonce, BYTES(aad, aad_n), BYTES(want, sealed_n), back), OK);
	assert_memory_equal(back, plain, n);

	/* Each bit of what is sealed, of the nonce and of the associated data counts. */
	for (size_t bit = 0; bit < 8 * sealed_n; bit++) {
		want[bit / 8] ^= (unsigned char)(1 << bit % 8);
		memset(back, 0xAA, sizeof(back));
		assert_int_equal(gcm_open(key, nonce, BYTES(aad, aad_n), BYTES(want, sealed_n), back), E_FAULT);
		for (size_t b = 0; b < n; b++)
			assert_int_equal(back[b], 0);
		want[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(nonce); bit++) {
		nonce[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(gcm_open(key, nonce, BYTES(aad, aad_n), BYTES(want, sealed_n), back), E_FAULT);
		nonce[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * aad_n; bit++) {
		aad[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(gcm_open(key, nonce, BYTES(aad, aad_n), BYTES(want, sealed_n), back), E_FAULT);
		aad[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	/* After all those refusals the reused context still opens. */
	assert_int_equal(gcm_open(key, nonce, BYTES(aad, aad_n), BYTES(want, sealed_n), back), OK);
	assert_memory_equal(back, plain, n);
}

static void
gcm_too_short(void **state)
{
	unsigned char key[32] = {0}, nonce[12] = {0}, out[16];

	(void)state;
	for (size_t n = 0; n < 16; n++)
		assert_int_equal(gcm_open(key, nonce, S(""), BYTES("0123456789abcdef", n), out), E_FAULT);
}

/* ---- HMAC-SHA-256, RFC 4231 ----------------------------------------------------------------------- */

#define X20(s) s s s s s s s s s s s s s s s s s s s s
static const struct { const char *why, *key, *data, *mac; } hmacs[] = {
	{ "test case 1", X20("0b"), "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "test case 2", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "test case 3", X20("aa"), X20("dd") X20("dd") "dddddddddddddddddddd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "test case 4", "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  X20("cd") X20("cd") "cdcdcdcdcdcdcdcdcdcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ "test case 5, 128 bits", X20("0c"), "546573742057697468205472756e636174696f6e",
	  "a3b6167473100ee06e0c796c2955552b" },
	{ "test case 6, key larger than a block",
	  X20("aa") X20("aa") X20("aa") X20("aa") X20("aa") X20("aa") "aaaaaaaaaaaaaaaaaaaaaa",
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b657920"
	  "4669727374", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "test case 7, key and data larger than a block",
	  X20("aa") X20("aa") X20("aa") X20("aa") X20("aa") X20("aa") "aaaaaaaaaaaaaaaaaaaaaa",
	  "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b6579"
	  "20616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e65656473"
	  "20746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d414320616c676f72"
	  "6974686d2e", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	/* Not of the RFC: HMAC of nothing under an empty key, and that it is not the key from before. */
	{ "empty key, empty data", "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void
run_hmac(void **state)
{
	size_t i = ROW(state), kn, n, want;
	unsigned char key[160], data[200], mac[32], out[32];

	kn = unhex(hmacs[i].key, key, sizeof(key));
	n = unhex(hmacs[i].data, data, sizeof(data));
	want = unhex(hmacs[i].mac, mac, sizeof(mac));
	hmac_sha256(BYTES(key, kn), BYTES(data, n), out);
	assert_memory_equal(out, mac, want);
}

/* ---- SHA-256, FIPS 180-4 examples ------------------------------------------------------------------ */

static const struct { const char *why, *text, *hash; } shas[] = {
	{ "sha-256: empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha-256: one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "sha-256: two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
run_sha(void **state)
{
	size_t i = ROW(state);
	unsigned char want[32], out[32];

	unhex(shas[i].hash, want, sizeof(want));
	sha256(str_of(shas[i].text), out);
	assert_memory_equal(out, want, 32);
}

/* ---- Ed25519, RFC 8032 section 7.1 ------------------------------------------------------------------ */

static const struct { const char *why, *pub, *text, *sig; } eds[] = {
	{ "ed25519: test 1, empty", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
	  "d25bf5f0595bbe24655141438e7a100b" },
	{ "ed25519: test 2, one byte", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
	  "387b2eaeb4302aeeb00d291612bb0c00" },
	{ "ed25519: test 3, two bytes", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
	  "4a7c15e9716ed28dc027beceea1ec40a" },
	{ "ed25519: test SHA(abc)", "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
	  "454d4423643ce80e2a9ac94fa54ca49f",
	  "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
	  "3dca179c138ac17ad9bef1177331a704" },
};

static void
run_ed(void **state)
{
	size_t i = ROW(state), n;
	unsigned char pub[32], text[64], sig[64];

	unhex(eds[i].pub, pub, sizeof(pub));
	n = unhex(eds[i].text, text, sizeof(text));
	unhex(eds[i].sig, sig, sizeof(sig));
	assert_true(ed25519_verify(pub, BYTES(text, n), sig));
	assert_false(ed25519_verify(pub, S("other text"), sig));
	for (size_t bit = 0; bit < 8 * sizeof(sig); bit++) {
		sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_false(ed25519_verify(pub, BYTES(text, n), sig));
		sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(pub); bit++) {
		pub[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_false(ed25519_verify(pub, BYTES(text, n), sig));
		pub[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

/* ---- the rest ---------------------------------------------------------------------------------------- */

static void
compare(void **state)
{
	(void)state;
	assert_true(same_bytes("abcd", "abcd", 4));
	assert_false(same_bytes("abcd", "abce", 4));
	assert_false(same_bytes("abcd", "bbcd", 4));
	assert_true(same_bytes("abcd", "abce", 3));
	assert_true(same_bytes(NULL, NULL, 0));
}

/* In a child: the switch is for the whole process. Where the module is not
 * installed, that is what must be said; where it is, GCM must still be right. */
static void
fips(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct ctx cx;
		unsigned char key[32] = {0}, nonce[12] = {0}, out[16];
		enum err e;

		ctx_init(&cx, NULL, 1);
		e = vault_fips(&cx);
		if (e == E_ABSENT)
			_exit(strstr(cx.fail.why, "fipsinstall") != NULL ? 10 : 1);
		_exit(e == OK && gcm_seal(key, nonce, S(""), S(""), out) == OK && out[0] == 0x53 ? 11 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 10)
		print_message("the FIPS module is not installed here: only its absence was tested\n");
	assert_in_range(WEXITSTATUS(status), 10, 11);
}

static void
fips_too_late(void **state)
{
	struct ctx cx;
	unsigned char out[32];

	(void)state;
	sha256(S(""), out);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(vault_fips(&cx), E_CONFLICT);
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[64];
	size_t n = 0;

	ADD(t, n, fips);                 /* before any other */
	ADD(t, n, fips_too_late);
	ADD_ROWS(t, n, gcm, run_gcm);
	ADD_ROWS(t, n, hmacs, run_hmac);
	ADD_ROWS(t, n, shas, run_sha);
	ADD_ROWS(t, n, eds, run_ed);
	ADD(t, n, gcm_too_short);
	ADD(t, n, compare);
	if (n > COUNT(t))
		abort();
	return RUN_ROWS("vault crypto", t, n);
}
