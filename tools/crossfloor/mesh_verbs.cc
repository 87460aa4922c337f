// Identity of nodes: who makes a mesh, who joins it and who leaves it (protocol/join.h).
//
// Everything but `mesh apply` works without a node and without a network: the authority's key is
// meant to lie on a machine, or a stick, that has neither.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/runtime/clock.h"
#include "node/runtime/data_folder.h"
#include "protocol/document.h"
#include "protocol/join.h"
#include "protocol/roster.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/node_client.h"

namespace crossfloor::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_bytes = 4 << 20;
constexpr const char* default_authority = "authority.key";

void print(Context& context, const Json& json, const std::string& text) {
  if (context.json) {
    context.out << json.dump(2) << "\n";
  } else {
    context.out << text;
  }
}

Error at(const std::string& path, Error error) {
  error.where = error.where.empty() ? path : path + ", " + error.where;
  return error;
}

Result<Authority> read_authority(const std::string& path) {
  auto text = read_own_file(path, most_bytes);
  if (!text.ok()) {
    Error error = text.error();
    if (error.code == ErrorCode::not_found) {
      error.mend = "name it with --authority FILE, or make one with: crossfloor mesh init";
    }
    return error;
  }
  auto authority = parse_authority(text.value());
  if (!authority.ok()) return at(path, authority.error());
  return authority;
}

// What the authority signed so far lies beside its key: a newcomer is told of all others.
std::string issued_path(const std::string& authority, const std::string& given) {
  return given.empty() ? authority + ".issued" : given;
}

Result<Bytes> read_issued(const std::string& path) {
  auto text = read_file(path, most_bytes);
  if (!text.ok() && text.error().code == ErrorCode::not_found) return Bytes();
  return text;
}

Status add_issued(const std::string& path, const Bytes& before, const Bytes& document) {
  return replace_file(path, before + (before.empty() ? "" : "\n") + document, 0644);
}

// ---- mesh init --------------------------------------------------------------------------

struct InitOptions {
  std::vector<std::string> regions;
  std::string authority = default_authority;
};

Exit init(Context& context, const InitOptions& options) {
  SystemRandom random;
  auto authority = make_authority(random, options.regions);
  if (!authority.ok()) return fail(context, authority.error(), Exit::usage);
  if (auto made = create_file(options.authority, authority_file(authority.value()), 0600);
      !made.ok()) {
    return fail(context, made.error());
  }
  const std::string mesh = authority.value().mesh().hex();
  print(context,
        {{"mesh", mesh}, {"authority_key", options.authority}, {"regions", options.regions}},
        "Mesh " + mesh + " has an authority.\n\n  " + options.authority +
            "   its key. Keep it offline, and a copy elsewhere: whoever has it\n"
            "  can admit nodes; without it no node can be admitted or revoked.\n\n"
            "Next, on each node's machine:  crossfloor node keygen --site NAME --address "
            "tcp://HOST:7440\n");
  return Exit::fine;
}

// ---- node keygen ------------------------------------------------------------------------

struct KeygenOptions {
  std::string site;
  std::vector<std::string> addresses;
  std::string out;
  bool keep_key = false;
};

Result<SigningKey> make_key(const std::string& data) {
  auto folder = DataFolder::open(data);
  if (!folder.ok()) return folder.error();
  SystemRandom random;
  const SigningKey key = make_signing_key(random);
  if (auto made = create_file(folder.value().node_key(), node_key_file(key), 0600); !made.ok()) {
    Error error = made.error();
    if (error.code == ErrorCode::conflict) {
      error.what = "this node has a key already";
      error.mend = "to ask anew with the same key (other addresses, renewal), add --keep-key";
    }
    return error;
  }
  if (auto given = give_to_owner_of(data, folder.value().node_key()); !given.ok()) {
    return given.error();
  }
  return key;
}

Result<SigningKey> read_key(const std::string& data) {
  const std::string path = data + "/node.key";
  auto text = read_own_file(path, most_bytes);
  if (!text.ok()) {
    Error error = text.error();
    if (error.code == ErrorCode::not_found) error.mend = "make one with: crossfloor node keygen";
    return error;
  }
  auto key = parse_node_key(text.value());
  if (!key.ok()) return at(path, key.error());
  return key;
}

Exit keygen(Context& context, const KeygenOptions& options) {
  SodiumCrypto crypto;
  SystemRandom random;
  // Whatever is wrong with the request is said before a key is made.
  auto probe = make_request(crypto, make_signing_key(random), options.site, options.addresses);
  if (!probe.ok()) return fail(context, probe.error(), Exit::usage);
  auto key = options.keep_key ? read_key(context.data) : make_key(context.data);
  if (!key.ok()) return fail(context, key.error());
  auto request = make_request(crypto, key.value(), options.site, options.addresses);
  if (!request.ok()) return fail(context, request.error());
  const std::string out = options.out.empty() ? options.site + ".request" : options.out;
  if (auto put = replace_file(out, request.value().text, 0644); !put.ok()) {
    return fail(context, put.error());
  }
  const std::string node = request.value().node.hex();
  print(context,
        {{"node", node},
         {"site", options.site},
         {"node_key", context.data + "/node.key"},
         {"request", out}},
        "Node " + node + " of site " + options.site + "\n\n  " + context.data +
            "/node.key   its private key, which stays here\n  " + out +
            "   its request, which holds no secret: send it to whoever keeps the\n"
            "  authority's key\n\nNext, there:  crossfloor mesh admit " +
            out + " --region REGION\n");
  return Exit::fine;
}

// ---- mesh admit -------------------------------------------------------------------------

struct AdmitArguments {
  std::string request;
  std::string region;
  std::vector<std::string> also_hold;
  std::vector<std::string> rights;
  bool new_region = false;
  int days = 365;
  std::string authority = default_authority;
  std::string issued;
  std::string out;
};

Status add_new_regions(Authority& authority, const AdmitArguments& options) {
  auto wanted = options.also_hold;
  wanted.push_back(options.region);
  bool added = false;
  for (const Region& region : wanted) {
    const auto& known = authority.regions;
    if (std::find(known.begin(), known.end(), region) != known.end()) continue;
    if (auto status = add_region(authority, region); !status.ok()) return status;
    added = true;
  }
  if (!added) return {};
  return replace_file(options.authority, authority_file(authority), 0600);
}

Exit admit_node(Context& context, const AdmitArguments& options) {
  SodiumCrypto crypto;
  SystemRandom random;
  auto authority = read_authority(options.authority);
  if (!authority.ok()) return fail(context, authority.error());
  auto text = read_file(options.request, most_bytes);
  if (!text.ok()) return fail(context, text.error());
  auto request = parse_request(crypto, text.value());
  if (!request.ok()) return fail(context, at(options.request, request.error()));
  const std::string issued = issued_path(options.authority, options.issued);
  auto before = read_issued(issued);
  if (!before.ok()) return fail(context, before.error());
  if (options.new_region) {
    if (auto status = add_new_regions(authority.value(), options); !status.ok()) {
      return fail(context, status.error());
    }
  }
  AdmitOptions wanted;
  wanted.home_region = options.region;
  wanted.regions = {options.region};
  for (const auto& region : options.also_hold) wanted.regions.push_back(region);
  if (!options.rights.empty()) wanted.rights = options.rights;
  wanted.valid = std::chrono::hours(24 * options.days);
  auto admission = admit(crypto, random, authority.value(), request.value(), wanted, before.value(),
                         machine_now().wall);
  if (!admission.ok()) {
    Error error = admission.error();
    if (error.code == ErrorCode::not_found && error.where == "region") {
      error.mend = "correct its spelling, or add --new-region";
    }
    return fail(context, error);
  }
  const Certificate& certificate = admission.value().certificate;
  const std::string out = options.out.empty() ? certificate.site + ".mesh" : options.out;
  if (auto put = add_issued(issued, before.value(), certificate.text); !put.ok()) {
    return fail(context, put.error());
  }
  if (auto put = replace_file(out, admission.value().mesh_file, 0640); !put.ok()) {
    return fail(context, put.error());
  }
  print(context,
        {{"node", certificate.node.hex()},
         {"site", certificate.site},
         {"regions", certificate.regions},
         {"rights", certificate.rights},
         {"expires", time_text(certificate.expires)},
         {"mesh_file", out},
         {"issued", issued}},
        "Node " + certificate.node.hex() + " of site " + certificate.site + " is admitted until " +
            time_text(certificate.expires) + ".\n\n  " + out +
            "   send it back: only that node can open the secrets in it\n  " + issued +
            "   all that this authority signed; keep it beside the key\n\n"
            "Next, on the node's machine:  crossfloor mesh apply " +
            out + "\n");
  return Exit::fine;
}

// ---- mesh apply -------------------------------------------------------------------------

// Tells the running node, if there is one. Nothing: none runs here.
Result<std::optional<std::string>> tell_node(const Context& context, const Bytes& documents) {
  if (!node_is_there(context)) return std::optional<std::string>();
  auto answer =
      ask_node(context, "mesh_apply", Json{{"documents", documents}, {"by", context.who}}.dump());
  if (answer.ok()) return std::optional<std::string>(answer.value());
  // A socket may be left behind by a node that was killed.
  if (answer.error().code == ErrorCode::unavailable && context.url.empty()) {
    return std::optional<std::string>();
  }
  return answer.error();
}

Status put_mesh_file(const Context& context, const Bytes& text) {
  const std::string path = context.data + "/mesh.file";
  if (auto put = replace_file(path, text, 0600); !put.ok()) return put;
  return give_to_owner_of(context.data, path);
}

Exit apply_mesh_file(Context& context, const std::string& path, const Bytes& text) {
  if (!context.url.empty()) {
    return fail(context,
                Error{ErrorCode::malformed, "a mesh file is for one node, whose key opens it", path,
                      "apply it on that node's machine, without --node"});
  }
  SodiumCrypto crypto;
  auto key = read_key(context.data);
  if (!key.ok()) return fail(context, key.error());
  auto mesh = open_mesh_file(crypto, key.value(), text);
  if (!mesh.ok()) return fail(context, at(path, mesh.error()));
  const std::string there = context.data + "/mesh.file";
  if (auto put = put_mesh_file(context, text); !put.ok()) return fail(context, put.error());
  Bytes documents;
  for (const Bytes& document : mesh.value().documents) {
    documents += (documents.empty() ? "" : "\n") + document;
  }
  auto told = tell_node(context, documents);
  if (!told.ok()) return fail(context, told.error());
  const bool running = told.value().has_value();
  const Certificate& own = mesh.value().own;
  print(context,
        {{"node", own.node.hex()},
         {"site", own.site},
         {"mesh", mesh.value().mesh.hex()},
         {"expires", time_text(own.expires)},
         {"mesh_file", there},
         {"node_runs", running}},
        "Site " + own.site + " belongs to mesh " + mesh.value().mesh.hex() + " until " +
            time_text(own.expires) + ".\n" +
            (running ? "The running node knows the certificates; regions that are new to it are "
                       "held from its next start on.\n"
                     : "Next:  systemctl enable --now crossfloord\n"));
  return Exit::fine;
}

// No node runs: what is applied waits in mesh.file for the next start.
Exit apply_to_file(Context& context, const std::string& path, const std::vector<Document>& given) {
  SodiumCrypto crypto;
  const std::string there = context.data + "/mesh.file";
  auto key = read_key(context.data);
  if (!key.ok()) return fail(context, key.error());
  auto text = read_private_file(there, most_bytes);
  if (!text.ok()) {
    Error error = text.error();
    error.mend = "apply the mesh file of this node first, or name a running node with --node";
    return fail(context, error);
  }
  auto mesh = open_mesh_file(crypto, key.value(), text.value());
  if (!mesh.ok()) return fail(context, at(there, mesh.error()));
  Roster roster(crypto, mesh.value().authority);
  for (const Bytes& document : mesh.value().documents) {
    if (auto added = roster.add(document); !added.ok())
      return fail(context, at(there, added.error()));
  }
  std::size_t fresh = 0;
  for (const Document& document : given) {
    auto added = roster.add(document.text);
    if (!added.ok()) return fail(context, at(path, added.error()));
    if (added.value() == Roster::Added::fresh) ++fresh;
  }
  // The head, which is signed, stays; the documents behind it are as the roster has them now.
  Bytes out = parse_documents(text.value()).value()[0].text;
  for (const Bytes& document : roster.documents()) out += "\n" + document;
  if (auto put = put_mesh_file(context, out); !put.ok()) return fail(context, put.error());
  print(context, {{"documents", given.size()}, {"fresh", fresh}, {"mesh_file", there}},
        std::to_string(fresh) + " of " + std::to_string(given.size()) +
            " were new. No node runs here: it knows them from its next start on.\n");
  return Exit::fine;
}

Exit apply_file(Context& context, const std::string& path) {
  auto text = read_file(path, most_bytes);
  if (!text.ok()) return fail(context, text.error());
  auto documents = parse_documents(text.value());
  if (!documents.ok()) return fail(context, at(path, documents.error()));
  if (documents.value()[0].kind == "mesh file") {
    return apply_mesh_file(context, path, text.value());
  }
  auto told = tell_node(context, text.value());
  if (!told.ok()) return fail(context, told.error());
  if (!told.value()) return apply_to_file(context, path, documents.value());
  const auto answer = Json::parse(*told.value(), nullptr, false);
  const std::size_t fresh = answer.is_object() ? answer.value("fresh", std::size_t{0}) : 0;
  print(context, {{"documents", documents.value().size()}, {"fresh", fresh}},
        std::to_string(fresh) + " of " + std::to_string(documents.value().size()) +
            " were new to the node, which passes them on to the others.\n");
  return Exit::fine;
}

// ---- mesh revoke ------------------------------------------------------------------------

struct RevokeOptions {
  std::string node;
  std::string reason;
  std::string last_good;
  bool nothing_good = false;
  std::string authority = default_authority;
  std::string issued;
  std::string out;
};

// The node by its id, the beginning of it, or its site, among those that were admitted.
Result<NodeId> find_node(const Roster& roster, const Bytes& issued, const std::string& name) {
  if (const auto id = NodeId::from_hex_text(name)) return *id;
  std::map<NodeId, std::string> found;
  if (issued.find_first_not_of("\r\n") != Bytes::npos) {
    auto documents = parse_documents(issued);
    if (!documents.ok()) return documents.error();
    for (const Document& document : documents.value()) {
      FieldReader read(document);
      const auto node = read.id<NodeId>("node");
      const Certificate* certificate = roster.certificate(node);
      if (!certificate || roster.revocation(node)) continue;
      if (certificate->site == name || (name.size() >= 4 && node.hex().rfind(name, 0) == 0)) {
        found[node] = certificate->site;
      }
    }
  }
  if (found.size() == 1) return found.begin()->first;
  if (found.empty()) {
    return Error{ErrorCode::not_found, "no admitted node is called '" + name + "'", "NODE",
                 "give its id, which `crossfloor sites` shows"};
  }
  std::string ids;
  for (const auto& [node, site] : found) ids += " " + node.hex().substr(0, 12);
  return Error{ErrorCode::conflict, "'" + name + "' is the name of several:" + ids, "NODE",
               "give the beginning of its id"};
}

Result<std::vector<LastGood>> parse_last_good(const std::string& text) {
  std::vector<LastGood> all;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string generation, region, sequence, hash, more;
    words >> generation >> region >> sequence >> hash;
    const auto generation_bytes = from_hex(generation);
    const auto sequence_number = parse_number(sequence);
    const auto hash_id = Hash::from_hex_text(hash);
    if (!generation_bytes || generation_bytes->size() != 8 || !sequence_number || !hash_id ||
        words >> more) {
      return Error{ErrorCode::malformed, "wanted is: generation region sequence hash",
                   "line " + std::to_string(number),
                   "make the file with: crossfloor streams NODE --last-good"};
    }
    all.push_back({get_be64(generation_bytes->data()), region, *sequence_number, *hash_id});
  }
  return all;
}

Exit revoke_node(Context& context, const RevokeOptions& options) {
  if (options.last_good.empty() != options.nothing_good) {
    return fail(context,
                Error{ErrorCode::malformed, "say up to where the node's entries are good", "",
                      "--last-good FILE (from: crossfloor streams NODE --last-good), or "
                      "--nothing-good if not one of them is to be taken any more"},
                Exit::usage);
  }
  SodiumCrypto crypto;
  auto authority = read_authority(options.authority);
  if (!authority.ok()) return fail(context, authority.error());
  const std::string issued = issued_path(options.authority, options.issued);
  auto before = read_issued(issued);
  if (!before.ok()) return fail(context, before.error());
  Roster roster(crypto, authority.value().node());
  if (before.value().find_first_not_of("\r\n") != Bytes::npos) {
    auto documents = parse_documents(before.value());
    if (!documents.ok()) return fail(context, at(issued, documents.error()));
    for (const Document& document : documents.value()) {
      if (auto added = roster.add(document.text); !added.ok()) {
        return fail(context, at(issued, added.error()));
      }
    }
  }
  auto node = find_node(roster, before.value(), options.node);
  if (!node.ok()) return fail(context, node.error());
  std::vector<LastGood> good;
  if (!options.last_good.empty()) {
    auto text = read_file(options.last_good, most_bytes);
    if (!text.ok()) return fail(context, text.error());
    auto parsed = parse_last_good(text.value());
    if (!parsed.ok()) return fail(context, at(options.last_good, parsed.error()));
    good = std::move(parsed.value());
  }
  auto revocation = revoke(crypto, authority.value(), node.value(), std::move(good), options.reason,
                           machine_now().wall);
  if (!revocation.ok()) return fail(context, revocation.error());
  const std::string hex = node.value().hex();
  const std::string out = options.out.empty() ? hex.substr(0, 12) + ".revocation" : options.out;
  if (auto put = add_issued(issued, before.value(), revocation.value().text); !put.ok()) {
    return fail(context, put.error());
  }
  if (auto put = replace_file(out, revocation.value().text, 0644); !put.ok()) {
    return fail(context, put.error());
  }
  print(context,
        {{"node", hex}, {"reason", options.reason}, {"revocation", out}, {"issued", issued}},
        "Node " + hex + " is revoked, for ever.\n\n  " + out +
            "   the proof. Next, at any node:  crossfloor mesh apply " + out +
            "\n  The nodes pass it on; links of the revoked one end at once.\n");
  return Exit::fine;
}

// ---- the verbs --------------------------------------------------------------------------

void authority_options(CLI::App* verb, std::string& authority, std::string& issued) {
  verb->add_option("--authority", authority, "the authority's key (0600)")
      ->type_name("FILE")
      ->capture_default_str();
  verb->add_option("--issued", issued,
                   "what the authority signed so far (default: beside its key, .issued)")
      ->type_name("FILE");
}

void add_init(CLI::App& mesh, Context& context) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* verb = add_verb(mesh, "init", "Makes the authority of a new mesh",
                            {"crossfloor mesh init --region eu",
                             "crossfloor mesh init --region eu --region us --authority "
                             "/media/stick/authority.key"});
  verb->add_option("--region", options->regions,
                   "region whose customers' data stays together; repeat for more")
      ->required()
      ->type_name("NAME")
      ->allow_extra_args(false);
  verb->add_option("--authority", options->authority, "where its key is written (0600)")
      ->type_name("FILE")
      ->capture_default_str();
  on_run(verb, context, [&context, options] { return init(context, *options); });
}

void add_keygen(CLI::App& node, Context& context) {
  auto options = std::make_shared<KeygenOptions>();
  CLI::App* verb =
      add_verb(node, "keygen", "Makes a node's key, and its request to be admitted",
               {"crossfloor node keygen --site helsinki --address tcp://10.1.0.4:7440",
                "crossfloor node keygen --site helsinki --address tcp://10.1.0.4:7440 --address "
                "https://10.1.0.4:7480 --data /var/lib/crossfloor --out helsinki.request"});
  verb->add_option("--site", options->site, "the site's name: lower-case letters, digits, '-'")
      ->required()
      ->type_name("NAME");
  verb->add_option("--address", options->addresses,
                   "where others reach it: tcp://HOST:PORT is the mesh, https://HOST:PORT its HTTP")
      ->required()
      ->type_name("URL")
      ->allow_extra_args(false);
  verb->add_option("--out", options->out, "the request (default: SITE.request)")->type_name("FILE");
  verb->add_flag("--keep-key", options->keep_key, "a new request for the key that is there");
  on_run(verb, context, [&context, options] { return keygen(context, *options); });
}

void add_admit(CLI::App& mesh, Context& context) {
  auto options = std::make_shared<AdmitArguments>();
  CLI::App* verb = add_verb(
      mesh, "admit", "Answers a node's request with its mesh file",
      {"crossfloor mesh admit helsinki.request --region eu",
       "crossfloor mesh admit hub.request --region eu --also-hold us --days 90 --out hub.mesh"});
  verb->add_option("REQUEST", options->request, "the file that `node keygen` made")->required();
  verb->add_option("--region", options->region, "the node's own region")
      ->required()
      ->type_name("NAME");
  verb->add_option("--also-hold", options->also_hold,
                   "another region whose data may lie on its disk; repeat for more")
      ->type_name("NAME")
      ->allow_extra_args(false);
  verb->add_option("--right", options->rights,
                   "what it may do: host, serve, operate (default: all three); repeat for more")
      ->type_name("NAME")
      ->allow_extra_args(false);
  verb->add_flag("--new-region", options->new_region, "make the named regions if they are new");
  verb->add_option("--days", options->days, "how long the certificate is valid")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  verb->add_option("--out", options->out, "the mesh file (default: SITE.mesh)")->type_name("FILE");
  authority_options(verb, options->authority, options->issued);
  on_run(verb, context, [&context, options] { return admit_node(context, *options); });
}

void add_apply(CLI::App& mesh, Context& context) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb = add_verb(
      mesh, "apply", "Gives a mesh file, certificate or revocation to a node",
      {"crossfloor mesh apply helsinki.mesh", "crossfloor mesh apply 5f0c1d2e3a4b.revocation",
       "crossfloor mesh apply new.certificate --node https://10.1.0.4:7480 "
       "--token-file token"});
  verb->add_option("FILE", *path, "what `mesh admit` or `mesh revoke` made")->required();
  on_run(verb, context, [&context, path] { return apply_file(context, *path); });
}

void add_revoke(CLI::App& mesh, Context& context) {
  auto options = std::make_shared<RevokeOptions>();
  CLI::App* verb =
      add_verb(mesh, "revoke", "Takes a node out of the mesh for ever",
               {"crossfloor streams london --last-good > london.good",
                "crossfloor mesh revoke london --reason 'machine stolen' --last-good london.good",
                "crossfloor mesh revoke 5f0c1d2e --reason 'key leaked' --nothing-good"});
  verb->add_option("NODE", options->node, "its id, the beginning of it, or its site")->required();
  verb->add_option("--reason", options->reason, "for people; everybody in the mesh can read it")
      ->required()
      ->type_name("TEXT");
  verb->add_option("--last-good", options->last_good,
                   "lines: generation region sequence hash; entries beyond are refused")
      ->type_name("FILE");
  verb->add_flag("--nothing-good", options->nothing_good, "none of its entries is to be taken");
  verb->add_option("--out", options->out, "the revocation (default: ID.revocation)")
      ->type_name("FILE");
  authority_options(verb, options->authority, options->issued);
  on_run(verb, context, [&context, options] { return revoke_node(context, *options); });
}

}  // namespace

void add_mesh_verbs(CLI::App& app, Context& context) {
  CLI::App* mesh = add_group(app, "mesh", "Makes a mesh, admits nodes to it, takes them out of it");
  add_init(*mesh, context);
  add_admit(*mesh, context);
  add_apply(*mesh, context);
  add_revoke(*mesh, context);
  CLI::App* node = add_group(app, "node", "Makes a node's key");
  add_keygen(*node, context);
}

}  // namespace crossfloor::cli
