#include "node/runtime/data_folder.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "node/runtime/control_socket.h"
#include "protocol/identity.h"
#include "tests/runtime/temporary_folder.h"

using namespace crossfloor;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

bool can_connect(const std::string& path) {
  const OwnFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

TEST_SUITE("data folder") {
  TEST_CASE("opening creates the folder, its store and its lock with narrow rights") {
    const TemporaryFolder temporary;
    const auto folder = DataFolder::open(temporary / "data");
    REQUIRE(folder.ok());
    CHECK(mode_of(temporary / "data") == 0750);
    CHECK(mode_of(folder.value().store()) == 0700);
    std::ifstream lock(temporary / "data/lock");
    int pid = 0;
    lock >> pid;
    CHECK(pid == ::getpid());
  }

  TEST_CASE("a second process is refused with the first one's id, and let in when it ended") {
    const TemporaryFolder temporary;
    int ready[2], end[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(end) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto held = DataFolder::open(temporary / "data");
      char byte = held.ok() ? 'y' : 'n';
      ::close(end[1]);
      bool spoke = ::write(ready[1], &byte, 1) == 1;
      spoke = ::read(end[0], &byte, 1) == 0 && spoke;  // until the other side closes
      ::_exit(spoke ? 0 : 1);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
    const auto refused = DataFolder::open(temporary / "data");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::conflict);
    CHECK(refused.error().what.find("process " + std::to_string(child)) != std::string::npos);
    CHECK_FALSE(refused.error().mend.empty());
    for (const int fd : {end[0], end[1], ready[0], ready[1]}) ::close(fd);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(DataFolder::open(temporary / "data").ok());
  }

  TEST_CASE("a node key that others can read is refused with the mend") {
    const TemporaryFolder temporary;
    SeededRandom random(1);
    const SigningKey key = make_signing_key(random);
    REQUIRE(create_file(temporary / "node.key", node_key_file(key), 0600).ok());
    {
      const auto folder = DataFolder::open(temporary.path());
      REQUIRE(folder.ok());
      const auto read = folder.value().read_node_key();
      REQUIRE(read.ok());
      CHECK(read.value().secret == key.secret);
    }
    for (const unsigned wide : {0640U, 0604U, 0660U}) {
      REQUIRE(::chmod((temporary / "node.key").c_str(), wide) == 0);
      const auto refused = DataFolder::open(temporary.path());
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == ErrorCode::forbidden);
      CHECK(refused.error().mend == "chmod 0600 " + temporary.path() + "/node.key");
    }
  }

  TEST_CASE("what is missing is named with the command that makes it") {
    const TemporaryFolder temporary;
    const auto folder = DataFolder::open(temporary.path());
    REQUIRE(folder.ok());
    const auto key = folder.value().read_node_key();
    CHECK(key.error().code == ErrorCode::not_found);
    CHECK(key.error().mend.find("crossfloor node keygen") != std::string::npos);
    CHECK(folder.value().read_mesh_file().error().mend.find("mesh admit") != std::string::npos);
    CHECK(folder.value().replace_mesh_file("members").ok());
    CHECK(folder.value().read_mesh_file().value() == "members");
  }

  TEST_CASE("folders that cannot be used are refused") {
    const TemporaryFolder temporary;
    CHECK(DataFolder::open(temporary / "no/such/parent").error().code == ErrorCode::not_found);
    std::ofstream(temporary / "file") << "x";
    CHECK(DataFolder::open(temporary / "file").error().what == "is not a folder");
    REQUIRE(::mkdir((temporary / "open").c_str(), 0700) == 0);
    REQUIRE(::chmod((temporary / "open").c_str(), 0777) == 0);
    CHECK(DataFolder::open(temporary / "open").error().code == ErrorCode::forbidden);
  }
}

TEST_SUITE("files") {
  TEST_CASE("a file is replaced whole and never overwritten when it should be new") {
    const TemporaryFolder temporary;
    const std::string path = temporary / "f";
    REQUIRE(create_file(path, "one", 0600).ok());
    CHECK(create_file(path, "two", 0600).error().code == ErrorCode::conflict);
    CHECK(read_file(path, 100).value() == "one");
    CHECK(replace_file(path, "three", 0640).ok());
    CHECK(read_file(path, 100).value() == "three");
    CHECK(mode_of(path) == 0640);
    CHECK(read_private_file(path, 100).ok());
    CHECK(read_own_file(path, 100).error().code == ErrorCode::forbidden);
    CHECK(read_file(path, 4).error().code == ErrorCode::too_large);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
  }

  TEST_CASE("folders, pipes and missing files are errors, not waits") {
    const TemporaryFolder temporary;
    CHECK(read_file(temporary.path(), 100).error().code == ErrorCode::io);
    CHECK(read_file(temporary / "none", 100).error().code == ErrorCode::not_found);
    REQUIRE(::mkfifo((temporary / "pipe").c_str(), 0600) == 0);
    CHECK(read_file(temporary / "pipe", 100).error().code == ErrorCode::io);
  }
}

TEST_SUITE("control socket") {
  TEST_CASE("it can be connected to, only owner and group may, and it goes with its owner") {
    const TemporaryFolder temporary;
    const std::string path = temporary / "control.sock";
    {
      const auto socket = ControlSocket::listen(path);
      REQUIRE(socket.ok());
      CHECK(mode_of(path) == 0660);
      CHECK(can_connect(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
  }

  TEST_CASE("a socket left by a killed process is replaced") {
    const TemporaryFolder temporary;
    const std::string path = temporary / "control.sock";
    {
      const OwnFd left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path, path.data(), path.size());
      REQUIRE(::bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    CHECK_FALSE(can_connect(path));
    const auto socket = ControlSocket::listen(path);
    REQUIRE(socket.ok());
    CHECK(can_connect(path));
  }

  TEST_CASE("nothing but a socket is ever removed, and a path that is too long is refused") {
    const TemporaryFolder temporary;
    std::ofstream(temporary / "control.sock") << "precious";
    CHECK(ControlSocket::listen(temporary / "control.sock").error().code == ErrorCode::conflict);
    CHECK(read_file(temporary / "control.sock", 100).value() == "precious");
    const auto refused = ControlSocket::listen(temporary / std::string(120, 'x'));
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK_FALSE(refused.error().mend.empty());
  }
}
