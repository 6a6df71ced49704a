package outbound

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"
)

// TestHostUnreachable connects in a network namespace of its own, in which the kernel's table has a
// route that says "unreachable" for one address, and none for another.
func TestHostUnreachable(t *testing.T) {
	t.Parallel()
	if os.Getenv(unreachableEnv) != "" {
		if err := addUnreachable([4]byte{192, 168, 1, 100}); err != nil {
			t.Fatal(err)
		}
		unreachableChild(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostUnreachable$")
	cmd.Env = append(os.Environ(), unreachableEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatalf("missing: network namespaces of users: %v", err)
		}
		t.Skipf("missing: network namespaces of users: %v", err)
	}
	if err != nil || !bytes.Contains(out, []byte("unreachable indeed")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// addUnreachable enters a route into the kernel's table.
func addUnreachable(to [4]byte) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var m bytes.Buffer
	for _, part := range []any{
		syscall.NlMsghdr{
			Len:   uint32(unsafe.Sizeof(syscall.NlMsghdr{}) + unsafe.Sizeof(syscall.RtMsg{}) + unsafe.Sizeof(syscall.RtAttr{}) + unsafe.Sizeof(to)),
			Type:  syscall.RTM_NEWROUTE,
			Flags: syscall.NLM_F_REQUEST | syscall.NLM_F_ACK | syscall.NLM_F_CREATE,
		},
		syscall.RtMsg{
			Family: syscall.AF_INET, Dst_len: 32, Table: syscall.RT_TABLE_MAIN,
			Protocol: syscall.RTPROT_BOOT, Type: syscall.RTN_UNREACHABLE,
		},
		syscall.RtAttr{Len: uint16(unsafe.Sizeof(syscall.RtAttr{}) + unsafe.Sizeof(to)), Type: syscall.RTA_DST},
		to,
	} {
		if err := binary.Write(&m, binary.NativeEndian, part); err != nil {
			return err
		}
	}
	if err := syscall.Sendto(fd, m.Bytes(), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	if _, _, err := syscall.Recvfrom(fd, answer, 0); err != nil {
		return err
	}
	if code := int32(binary.NativeEndian.Uint32(answer[syscall.NLMSG_HDRLEN:])); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
