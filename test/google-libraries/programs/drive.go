// Calls Drive with golang.org/x/oauth2, as it is told line by line, and prints what came of each call.
//
// drive API_BASE GIVEN_JSON
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"

	"golang.org/x/oauth2"
)

type given struct {
	TokenURL     string `json:"token_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Handle       string `json:"handle"`
}

func main() {
	var of given
	must(json.Unmarshal([]byte(os.Args[2]), &of))
	newClient := func() *http.Client {
		config := oauth2.Config{
			ClientID:     of.ClientID,
			ClientSecret: of.ClientSecret,
			Endpoint:     oauth2.Endpoint{TokenURL: of.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
		}
		return config.Client(context.Background(), &oauth2.Token{RefreshToken: of.Handle})
	}
	client := newClient()
	url := os.Args[1] + "/drive/v3/files/appfolder"
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		count, err := strconv.Atoi(lines.Text())
		must(err)
		outcomes := calls(client, url, count)
		// The library never looks at an API's answer: whoever gets a 401 makes a new client.
		if contains(outcomes, "401") {
			client = newClient()
			outcomes = calls(client, url, count)
		}
		text, err := json.Marshal(outcomes)
		must(err)
		fmt.Println(string(text))
	}
}

// calls calls so many times at once.
func calls(client *http.Client, url string, count int) []string {
	outcomes := make([]string, count)
	var wait sync.WaitGroup
	for i := range outcomes {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			outcomes[i] = call(client, url)
		}(i)
	}
	wait.Wait()
	return outcomes
}

func contains(outcomes []string, wanted string) bool {
	for _, each := range outcomes {
		if each == wanted {
			return true
		}
	}
	return false
}

func call(client *http.Client, url string) string {
	answer, err := client.Get(url)
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) {
			return "RetrieveError: " + string(refused.Body)
		}
		return err.Error()
	}
	defer answer.Body.Close()
	return strconv.Itoa(answer.StatusCode)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
